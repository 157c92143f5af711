/**
 * Putting staged rows in the place of what a PostgreSQL database has, within one transaction.
 *
 * Owns: locks, the order in which references allow it, the triggers that keep changes, which are told of once and not row
 * by row. The worst that can happen: rows that were written to the target since it was looked at and are replaced; so it
 * is locked, and looked at again, before anything goes.
 */
import { AppError } from '../../errors.ts';
import { quoteName } from '../../sync/sql.ts';
import { writeArray } from './arrays.ts';
import { schemaNote } from './postgres-inventory.ts';
import { currentSchema, quotedOnPostgres } from './postgres-rows.ts';
import { ofTable, type PostgresSession } from './postgres-session.ts';
import { hasNewChanges } from './postgres-state.ts';
import { stagedName, stagingSchema } from './staging.ts';
import { type MovedTable, tableTitle } from './tables.ts';
import { duckdbType, typeNote } from './types.ts';

export interface Replacing {
  readonly tables: readonly MovedTable[];
  /** Names of the tables that migrations make: these are kept and get other rows. */
  readonly ownTables: ReadonlySet<string>;
  /** The state that was looked at, as PostgreSQL writes a snapshot; null: whatever is there now is replaced. */
  readonly since: string | null;
}

/** Answers the schema that names without one belong to. */
export async function replaceTables(
  postgres: PostgresSession,
  { tables, ownTables, since }: Replacing,
): Promise<string> {
  const current = await currentSchema(postgres);
  const numbered = tables.map((table, index) => ({
    table,
    staged: stagedName(index),
    quoted: quotedOnPostgres(table, current),
  }));
  const kept = await existing(
    postgres,
    numbered.filter(({ table }) => table.schema === 'eider' || ownTables.has(table.name)),
  );
  const names = kept.map(({ quoted }) => quoted);
  if (names.length > 0) await postgres.rows(`LOCK TABLE ${names.join(', ')} IN ACCESS EXCLUSIVE MODE`);
  if (since !== null) await requireUnwritten(postgres, since);
  await setTriggers(postgres, names, 'DISABLE');
  if (names.length > 0) await postgres.rows(`TRUNCATE ${names.join(', ')}`);
  for (const quoted of await inOrderOfReferences(postgres, names)) {
    const { table, staged } = kept.find((each) => each.quoted === quoted)!;
    const columns = table.columns.map(({ name }) => quoteName(name)).join(', ');
    await running(table, () => postgres.rows(`INSERT INTO ${quoted} (${columns}) SELECT ${columns} FROM ${staged}`));
  }
  await setTriggers(postgres, names, 'ENABLE');
  for (const { table, staged, quoted } of numbered.filter((each) => !kept.includes(each))) {
    await running(table, () => putTable(postgres, { table, staged, quoted, current }));
  }
  return current;
}

async function existing<T extends { readonly quoted: string }>(
  postgres: PostgresSession,
  all: readonly T[],
): Promise<T[]> {
  const there: T[] = [];
  for (const each of all) {
    const [row] = await postgres.rows('SELECT to_regclass($1)::text AS name', [each.quoted]);
    if (typeof row?.['name'] === 'string') there.push(each);
  }
  return there;
}

async function requireUnwritten(postgres: PostgresSession, since: string): Promise<void> {
  if (!(await hasNewChanges(postgres, since))) return;
  throw new AppError('conflict', 'The target was written while rows were brought to it; nothing was replaced.', {
    hint: 'Stop what writes to it, then repeat.',
  });
}

async function running<T>(table: MovedTable, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw ofTable(tableTitle(table), error);
  }
}

async function setTriggers(
  postgres: PostgresSession,
  names: readonly string[],
  how: 'ENABLE' | 'DISABLE',
): Promise<void> {
  for (const name of names) {
    const triggers = await postgres.rows(
      `SELECT quote_ident(tgname) AS name FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal
        AND tgname IN ('eider_insert', 'eider_truncate')`,
      [name],
    );
    for (const trigger of triggers) await postgres.rows(`ALTER TABLE ${name} ${how} TRIGGER ${trigger['name']}`);
  }
}

/** Tables that others refer to come first. */
async function inOrderOfReferences(postgres: PostgresSession, names: readonly string[]): Promise<string[]> {
  const rows = await postgres.rows(
    `SELECT f.name AS "from", t.name AS "to" FROM pg_constraint c
    JOIN unnest($1::text[]) AS f (name) ON c.conrelid = f.name::regclass
    JOIN unnest($1::text[]) AS t (name) ON c.confrelid = t.name::regclass
    WHERE c.contype = 'f' AND c.conrelid <> c.confrelid`,
    [writeArray(names)],
  );
  const left = new Set<string | null | undefined>(names);
  const ordered: string[] = [];
  while (left.size > 0) {
    const waiting = new Set(rows.filter((row) => left.has(row['to'])).map((row) => row['from']));
    const free = names.filter((name) => left.has(name) && !waiting.has(name));
    if (free.length === 0) {
      throw new AppError('invalid', `The tables ${[...left].join(', ')} refer to each other in a circle.`);
    }
    for (const name of free) left.delete(name);
    ordered.push(...free);
  }
  return ordered;
}

interface Putting {
  readonly table: MovedTable;
  readonly staged: string;
  readonly quoted: string;
  readonly current: string;
}

/** The staged table itself becomes the table. */
async function putTable(postgres: PostgresSession, { table, staged, quoted, current }: Putting): Promise<void> {
  const schema = table.schema === 'main' ? current : table.schema;
  const [there] = await postgres.rows(`SELECT to_regnamespace($1)::text AS name`, [quoteName(schema)]);
  if (typeof there?.['name'] !== 'string') {
    await postgres.rows(
      `CREATE SCHEMA ${quoteName(schema)}; COMMENT ON SCHEMA ${quoteName(schema)} IS '${schemaNote}'`,
    );
  }
  const number = staged.slice(stagingSchema.length + 1);
  await postgres.rows(
    `DROP TABLE IF EXISTS ${quoted}; ALTER TABLE ${staged} SET SCHEMA ${quoteName(schema)};
    ALTER TABLE ${quoteName(schema)}.${number} RENAME TO ${quoteName(table.name)}`,
  );
  const required = table.columns.filter(({ notNull }) => notNull);
  const constraints = [
    ...required.map(({ name }) => `ALTER COLUMN ${quoteName(name)} SET NOT NULL`),
    ...(table.key.length > 0 ? [`ADD PRIMARY KEY (${listed(table.key.map(({ name }) => name))})`] : []),
    ...table.unique.map((columns) => `ADD UNIQUE (${listed(columns)})`),
  ];
  if (constraints.length > 0) await postgres.rows(`ALTER TABLE ${quoted} ${constraints.join(', ')}`);
  for (const { name, declared, postgres: type } of table.columns) {
    if (duckdbType(type) === declared) continue;
    const note = typeNote('duckdb', declared).replaceAll("'", "''");
    await postgres.rows(`COMMENT ON COLUMN ${quoted}.${quoteName(name)} IS '${note}'`);
  }
}

function listed(names: readonly string[]): string {
  return names.map(quoteName).join(', ');
}
