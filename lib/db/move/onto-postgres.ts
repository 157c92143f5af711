import { isAppError } from '../../errors.ts';
import { quoteName } from '../../sync/sql.ts';
import { commentsOf, defineTable, keyClauses, makeViews, quotedNames, quotedText } from './definition.ts';
import { translate, type Translation } from './expressions.ts';
import type { PostgresSession } from './postgres-session.ts';
import {
  type MovedDefinitions,
  lastOf,
  type MovedColumn,
  type MovedSequence,
  type MovedTable,
  namesOf,
  quotedOnPostgres,
} from './tables.ts';
import { duckdbType, withRecordedType } from './types.ts';

const schemaComment = 'Made by a move from DuckDB.';

export interface ReferenceFound {
  readonly table: string;
  readonly name: string;
  readonly sql: string;
}

export interface DefinerOptions {
  readonly definitions: MovedDefinitions;
  readonly tables: readonly MovedTable[];
  readonly current: string;
  /** They are others than those that the last move brought: tables that are kept get them, too. */
  readonly areChanged: boolean;
}

export class Definer {
  readonly leftBehind: string[];
  readonly #postgres: PostgresSession;
  readonly #options: DefinerOptions;
  readonly #translation: Translation;
  readonly #made = new Set<string>();

  constructor(postgres: PostgresSession, options: DefinerOptions) {
    const { definitions, tables, current } = options;
    this.#postgres = postgres;
    this.#options = options;
    this.leftBehind = [...definitions.leftBehind];
    const declared = [...tables, ...definitions.views].flatMap((each) => [each.duckdb.schema, each.duckdb.name]);
    const names = [...declared, ...tables.flatMap(({ all }) => all.map(({ name }) => name))];
    this.#translation = { to: 'postgres', current, names: [...new Set(names)] };
  }

  /** Whether PostgreSQL takes the statement. @throws what says nothing about it */
  async #takes(sql: string, isKept: boolean): Promise<boolean> {
    await this.#postgres.rows('SAVEPOINT eider_try');
    try {
      await this.#postgres.rows(sql);
    } catch (error) {
      if (!isAppError(error) || !/^(?:0A|22|42|2B|54)/.test(error.sqlState ?? '')) throw error;
      await this.#postgres.rows('ROLLBACK TO SAVEPOINT eider_try');
      return false;
    }
    await this.#postgres.rows(isKept ? 'RELEASE SAVEPOINT eider_try' : 'ROLLBACK TO SAVEPOINT eider_try');
    return true;
  }

  /** What tables are made of. Views that come go first: they may be of tables that are made again. */
  async before(): Promise<void> {
    const { tables, definitions } = this.#options;
    const { sequences, enums, views } = definitions;
    const all = [...tables, ...sequences, ...enums, ...views].map(({ postgres }) => postgres.schema);
    for (const schema of new Set(all)) await this.#schema(schema);
    for (const view of views) {
      if (translate(view.query, this.#translation) !== null)
        await this.#postgres.rows(`DROP VIEW IF EXISTS ${quotedOnPostgres(view)}`);
    }
    for (const each of enums) await this.#enum(quotedOnPostgres(each), each.labels);
    for (const sequence of sequences) await this.#sequence(sequence);
  }

  async #schema(schema: string): Promise<void> {
    const [there] = await this.#postgres.rows('SELECT to_regnamespace($1)::text AS name', [quoteName(schema)]);
    if (typeof there?.['name'] === 'string') return;
    await this.#postgres.rows(
      `CREATE SCHEMA ${quoteName(schema)}; COMMENT ON SCHEMA ${quoteName(schema)} IS '${schemaComment}'`,
    );
  }

  /** One that is there is in use: what is missing of it is added. */
  async #enum(quoted: string, labels: readonly string[]): Promise<void> {
    const [there] = await this.#postgres.rows('SELECT to_regtype($1)::text AS name', [quoted]);
    const listed = labels.map(quotedText);
    if (typeof there?.['name'] !== 'string')
      await this.#postgres.rows(`CREATE TYPE ${quoted} AS ENUM (${listed.join(', ')})`);
    else for (const label of listed) await this.#postgres.rows(`ALTER TYPE ${quoted} ADD VALUE IF NOT EXISTS ${label}`);
  }

  async #sequence(sequence: MovedSequence): Promise<void> {
    const { increment, min, max, cycle, next } = sequence;
    const first = next ?? lastOf(sequence);
    const quoted = quotedOnPostgres(sequence);
    await this.#postgres.rows(`CREATE SEQUENCE IF NOT EXISTS ${quoted}; ALTER SEQUENCE ${quoted} AS bigint
      INCREMENT ${increment} MINVALUE ${min} MAXVALUE ${max} START ${first} RESTART ${cycle ? '' : 'NO '}CYCLE`);
    if (next === null) await this.#setNumber(quoted, first, true);
  }

  async #setNumber(quoted: string, number: bigint | string, isGiven: boolean): Promise<void> {
    await this.#postgres.rows('SELECT setval($1::regclass, $2::bigint, $3::boolean)::text', [
      quoted,
      String(number),
      String(isGiven),
    ]);
  }

  typeOf = (column: MovedColumn): string => {
    const isSame = ({ labels }: MovedDefinitions['enums'][number]): boolean =>
      column.declared === `ENUM(${labels.map(quotedText).join(', ')})`;
    const found = this.#options.definitions.enums.find(isSame);
    return found ? quotedOnPostgres(found) : column.postgres;
  };

  async table(table: MovedTable): Promise<void> {
    const quoted = quotedOnPostgres(table);
    const tries = (ddl: string): Promise<boolean> => this.#takes(ddl, false);
    const defining = { ...this.#translation, quoted, typeOf: this.typeOf, constraints: [], tries };
    const { sql, leftBehind } = await defineTable(table, defining);
    await this.#postgres.rows(sql);
    this.leftBehind.push(...leftBehind);
    this.#made.add(table.title);
    await this.#comments(table);
  }

  async #comments(table: MovedTable): Promise<void> {
    const noteOf = (column: MovedColumn): string | null => {
      const type = this.typeOf(column);
      const isRecorded = type === column.postgres && duckdbType(type) !== column.declared;
      return isRecorded ? withRecordedType(column.comment, 'duckdb', column.declared) : column.comment;
    };
    // DuckDB has comments on what PostgreSQL may have refused.
    for (const comment of commentsOf(table, quotedOnPostgres(table), noteOf)) await this.#takes(comment, true);
  }

  async keys(table: MovedTable): Promise<void> {
    const clauses = keyClauses(table).map((clause) => `ADD ${clause}`);
    if (clauses.length > 0) await this.#postgres.rows(`ALTER TABLE ${quotedOnPostgres(table)} ${clauses.join(', ')}`);
  }

  /** A table that is kept. Columns' sequences of their own stay theirs, and go on where those of the source are. */
  async kept(table: MovedTable): Promise<void> {
    const quoted = quotedOnPostgres(table);
    const isChanged = this.#options.areChanged && table.duckdb.schema !== 'eider';
    for (const column of table.columns) {
      const [row] = await this.#postgres.rows('SELECT pg_get_serial_sequence($1, $2) AS sequence', [
        quoted,
        column.name,
      ]);
      if (typeof row?.['sequence'] === 'string') await this.#number(quoted, column, row['sequence']);
      else if (isChanged) await this.#default(quoted, column);
    }
    if (isChanged) await this.#comments(table);
  }

  async #number(quoted: string, { name, expression }: MovedColumn, sequence: string): Promise<void> {
    const own = this.#options.definitions.sequences.find(({ duckdb }) =>
      [`nextval('${duckdb.name}')`, `nextval('${duckdb.schema}.${duckdb.name}')`].includes(expression ?? ''),
    );
    if (own) return this.#setNumber(sequence, own.next ?? lastOf(own), own.next === null);
    const [found] = await this.#postgres.rows(`SELECT max(${quoteName(name)})::text AS max FROM ${quoted}`);
    const last = found?.['max'] ?? null;
    return this.#setNumber(sequence, last ?? 1n, last !== null);
  }

  async #default(quoted: string, { name, expression }: MovedColumn): Promise<void> {
    const text = expression === null ? null : translate(expression, this.#translation);
    const change = text === null ? 'DROP DEFAULT' : `SET DEFAULT (${text})`;
    if (text !== null || expression === null)
      await this.#takes(`ALTER TABLE ${quoted} ALTER ${quoteName(name)} ${change}`, true);
  }

  /** What refers to tables, or is made of them. `there`: the references that kept tables have. */
  async after(there: readonly ReferenceFound[]): Promise<void> {
    const { tables, definitions, areChanged } = this.#options;
    for (const table of tables) await this.#references(table, there);
    for (const { name, table, isUnique, elements } of definitions.indexes) {
      const translated = translate(elements, this.#translation);
      const isMade =
        areChanged || this.#made.has(tables.find(({ duckdb }) => duckdb.name === table.duckdb.name)?.title ?? '');
      const sql = `CREATE ${isUnique ? 'UNIQUE ' : ''}INDEX ${areChanged ? 'IF NOT EXISTS ' : ''}${quoteName(name)} ON ${quotedOnPostgres(table)} (${translated})`;
      if (isMade && (translated === null || !(await this.#takes(sql, true)))) this.leftBehind.push(`the index ${name}`);
    }
    const take = (sql: string): Promise<boolean> => this.#takes(sql, true);
    const making = { ...this.#translation, quotedOf: quotedOnPostgres, take };
    this.leftBehind.push(...(await makeViews(definitions.views, making)));
  }

  async #references(
    { duckdb, postgres, relation, title }: MovedTable,
    there: readonly ReferenceFound[],
  ): Promise<void> {
    const quoted = quotedOnPostgres({ duckdb, postgres });
    for (const { name, columns, target, targetColumns } of relation.references) {
      const to = quotedOnPostgres(namesOf(target, 'duckdb', this.#translation.current));
      const has = there.some((each) => each.table === quoted && each.name === name);
      const sql = `ALTER TABLE ${quoted} ADD CONSTRAINT ${quoteName(name)} FOREIGN KEY (${quotedNames(columns)}) REFERENCES ${to} (${quotedNames(targetColumns)})`;
      const isMade = this.#made.has(title);
      if ((isMade || !has) && !(await this.#takes(sql, true)))
        this.leftBehind.push(`the reference ${name} of ${title}`);
    }
  }
}
