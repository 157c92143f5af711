/** Captures with a known fault, each an edit of the source that is made in a copy: the property test must find them. */
import type { Edit } from '../mutations.ts';

export interface CaptureMutation {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Finds it. */
  readonly seed: number;
  /** The test hunts it, `npm run replay -- --mutations` all. */
  readonly isQuick?: true;
}

export const captureMutations: readonly CaptureMutation[] = [
  {
    name: 'leaves the last of many columns out of images',
    seed: 1,
    isQuick: true,
    edits: [
      {
        file: 'db/duckdb/rows.ts',
        from: `    row[column.name] = encodeNullable(column.codec, values[place(column, index)] ?? null);`,
        to: `    row[column.name] = index > 2 ? null : encodeNullable(column.codec, values[place(column, index)] ?? null);`,
      },
    ],
  },
  {
    name: 'drops deletes',
    seed: 4,
    edits: [
      {
        file: 'db/duckdb/rows.ts',
        from: `  return [...(gone.length > 0 ? [{ ...nameOf(shape), ...removal }] : []), ...imagesOf(run, there)];`,
        to: `  void removal;
  return imagesOf(run, there);`,
      },
    ],
  },
  {
    name: 'does not notice that a key is set',
    seed: 32,
    edits: [
      {
        file: 'db/duckdb/rows.ts',
        from: `  return shape.key.some(isSet) ? shape.key : null;`,
        to: `  return shape.key.some(isSet) ? null : null;`,
      },
    ],
  },
  {
    name: 'does not notice that ON CONFLICT changes rows',
    seed: 17,
    edits: [
      {
        file: 'sql/statement.ts',
        from: `    addsOnly: kind === 'insert' && !setsRows,`,
        to: `    addsOnly: kind === 'insert' && (!setsRows || true),`,
      },
    ],
  },
  {
    name: 'tells nothing of sequences',
    seed: 1,
    isQuick: true,
    edits: [
      {
        file: 'db/duckdb/capture.ts',
        from: `      for (const change of await this.#shapes.sequences.moved(this.#hasChanged)) this.#capture(change);`,
        to: `      await this.#shapes.sequences.moved(this.#hasChanged);`,
      },
    ],
  },
  {
    name: 'moves a sequence one short',
    seed: 1,
    edits: [
      {
        file: 'sync/sequences.ts',
        from: `  if (count <= 0n) return;`,
        to: `  if (count <= 1n) return;\n  count--;`,
      },
    ],
  },
  {
    name: 'takes away all rows that are the same',
    seed: 4,
    edits: [
      {
        file: 'sync/whole-rows.ts',
        from: `ORDER BY c.eider_is_equal DESC, c.eider_at)[1:any_value(c.eider_count)])`,
        to: `ORDER BY c.eider_is_equal DESC, c.eider_at))`,
      },
    ],
  },
  {
    name: 'takes 0 and -0 for the same',
    seed: 9,
    edits: [
      {
        file: 'sync/whole-rows.ts',
        from: `if (column.isExact) return [value];`,
        to: `if (column.isExact || true) return [value];`,
      },
    ],
  },
  {
    name: 'does not find a zero whose sign a checkpoint changed',
    seed: 36,
    edits: [
      {
        file: 'sync/whole-rows.ts',
        from: `isNear && holdsFloats(column)`,
        to: `false && isNear && holdsFloats(column)`,
      },
    ],
  },
  {
    name: 'leaves a union that is NULL a value',
    seed: 37,
    edits: [{ file: 'sync/codec.ts', from: `if (value === null) (Reflect`, to: `if (value === undefined) (Reflect` }],
  },
  {
    name: 'writes -0 as 0',
    seed: 3,
    edits: [
      {
        file: 'sync/codec.ts',
        from: `Object.is(value, -0) ? '-0' : String(value)`,
        to: `Object.is(value, -0) ? 0 : String(value)`,
      },
    ],
  },
  {
    name: 'forgets the days of intervals',
    seed: 9,
    edits: [
      {
        file: 'sync/codec.ts',
        from: `({ months: value.months, days: value.days, micros: String(value.micros) })`,
        to: `({ months: value.months, days: 0, micros: String(value.micros + BigInt(value.days) * 86_400_000_000n) })`,
      },
    ],
  },
  {
    name: 'drops a mark at the beginning of a text',
    seed: 6,
    edits: [{ file: 'sync/codec.ts', from: `{ ignoreBOM: true }`, to: `{ ignoreBOM: false }` }],
  },
  {
    name: 'takes what MERGE deletes for what it writes',
    seed: 46,
    edits: [
      {
        file: 'db/duckdb/rows.ts',
        from: `(write.kind === 'merge' && row[0] === 'DELETE')`,
        to: `(write.kind === 'merge' && row[0] === 'DELETED')`,
      },
    ],
  },
  {
    name: 'captures no rows of CREATE TABLE AS',
    seed: 4,
    edits: [
      {
        file: 'db/duckdb/ddl.ts',
        from: `    for (const change of await addedRows(this.#session, shape)) this.#host.capture(change);\n`,
        to: `    await addedRows(this.#session, shape);\n`,
      },
    ],
  },
  {
    name: 'replays CREATE TABLE AS as text',
    seed: 9,
    edits: [
      {
        file: 'db/duckdb/ddl.ts',
        from: `    if (definition.isOfQuery) {`,
        to: `    if (definition.isOfQuery && values.length > 0) {`,
      },
    ],
  },
  {
    name: 'takes what the user asked for as the row',
    seed: 3,
    isQuick: true,
    edits: [
      {
        file: 'sql/statement.ts',
        from: `  return { sql: \`\${head} \${own},\${list}\`, leading, answer: 'rest' };`,
        to: `  return { sql: \`\${head} \${list}, \${own}\`, leading, answer: 'rest' };`,
      },
      {
        file: 'db/duckdb/rows.ts',
        from: `allNames.every((name, index) => names[index] === name)`,
        to: `allNames.every((name, index) => name !== String(index))`,
      },
    ],
  },
  {
    name: 'answers the row instead of what the user asked for',
    seed: 3,
    edits: [
      {
        file: 'db/duckdb/rows.ts',
        from: `  const from = whole.answer === 'row' ? 0 : whole.leading + shape.allNames.length;`,
        to: `  const from = whole.answer === 'row' ? 0 : whole.leading;`,
      },
    ],
  },
  {
    name: 'captures no definitions',
    seed: 1,
    edits: [
      {
        file: 'db/duckdb/ddl.ts',
        from: `    await this.#execute(sql);
    this.#host.capture({ ddl: sql });`,
        to: `    await this.#execute(sql);
    if (!/COMMENT|INDEX|DEFAULT/i.test(sql)) this.#host.capture({ ddl: sql });`,
      },
    ],
  },
  {
    name: 'replays a new column whose default changes as text',
    seed: 1,
    isQuick: true,
    edits: [
      {
        file: 'db/duckdb/ddl.ts',
        from: `(this.#fill?.isRepeatable ?? true) && (await this.#unrepeatable(expression)) === null;`,
        to: `(this.#fill?.isRepeatable ?? true) && (await this.#unrepeatable(expression)) !== '';`,
      },
    ],
  },
  {
    name: 'keeps the shape of a table that was altered',
    seed: 1,
    isQuick: true,
    edits: [
      {
        file: 'db/duckdb/ddl.ts',
        from: `    await runStatement(this.#session, { sql, values, types });
    this.#host.shapes.forget();`,
        to: `    await runStatement(this.#session, { sql, values, types });`,
      },
    ],
  },
  {
    name: 'applies rows to the shape that a table had before',
    seed: 1,
    edits: [{ file: 'sync/replay.ts', from: `    shapes.forget();\n`, to: '' }],
  },
  {
    name: 'lets a statement end the transaction',
    seed: 4,
    isQuick: true,
    edits: [
      {
        file: 'db/duckdb/capture.ts',
        from: `    throw await refusal(this.#transaction.session, statement);`,
        to: `    if (statement.command === 'COMMIT') {
      await this.#transaction.session.execute(sql);
      return { command: statement.command, columns: [], rows: [], rowCount: null };
    }
    throw await refusal(this.#transaction.session, statement);`,
      },
    ],
  },
  {
    name: 'lets anyone write the tables of Eider',
    seed: 11,
    edits: [
      {
        file: 'db/duckdb/names.ts',
        from: `name === 'eider' && origin === 'user'`,
        to: `name === 'eider!' && origin === 'user'`,
      },
    ],
  },
  {
    name: 'keeps what a failed transaction changed',
    seed: 14,
    edits: [
      {
        file: 'sync/commit.ts',
        from: `      if (!part.result.ok && part.dirty) return { ok: false, error: unit };\n`,
        to: '',
      },
    ],
  },
];
