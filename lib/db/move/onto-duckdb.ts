/**
 * Each definition is tried on a scratch database first: DuckDB aborts a transaction at the first statement that fails.
 */
import { type Catalog, type Reference, relationId } from '../../catalog/catalog.ts';
import { quoteName, quoteTable, type Session } from '../../sync/sql.ts';
import { referencesTable } from '../own-migrations.ts';
import { commentsOf, defineTable, keyClauses, makeViews, quotedText } from './definition.ts';
import { catalogOfDuckDb } from './duckdb-inventory.ts';
import { fingerprintOf } from './earlier.ts';
import { translate, type Translation } from './expressions.ts';
import { requireNamesOnDuckDb } from './names.ts';
import { definitionsOfPostgres } from './postgres-definitions.ts';
import { enumOnDuckDb, type PostgresTables } from './postgres-inventory.ts';
import type { PostgresSession } from './postgres-session.ts';
import {
  type MovedDefinitions,
  lastOf,
  type MovedColumn,
  type MovedName,
  type MovedSequence,
  type MovedTable,
  namesOf,
  quotedOnDuckDb,
} from './tables.ts';
import { postgresType, withRecordedType } from './types.ts';

export interface DuckDbDefinitions {
  readonly ddl: readonly string[];
  readonly leftBehind: readonly string[];
  readonly fingerprint: string;
}

const listOf = (names: readonly string[]): string => `[${names.map(quotedText).join(', ')}]`;

/** `scratch` has the tables as the inventory made them; it is spoilt for other use. */
export async function defineOnDuckDb(
  postgres: PostgresSession,
  scratch: Session,
  { tables, catalog }: PostgresTables,
): Promise<DuckDbDefinitions> {
  const definitions = await definitionsOfPostgres(postgres, catalog);
  const { sequences, enums } = definitions;
  requireNamesOnDuckDb(sequences.map((each) => ({ kind: 'sequence', ...each })));
  requireNamesOnDuckDb(enums.map((each) => ({ kind: 'type', ...each })));
  const making = new Making(scratch, catalog.defaultSchema);
  for (const schema of schemasOf([...tables, ...sequences, ...enums, ...definitions.views])) {
    await making.run(`CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)}`);
  }
  for (const each of enums) await making.run(`CREATE TYPE ${quotedOnDuckDb(each)} AS ${enumOnDuckDb(each.labels)}`);
  for (const each of sequences) await making.run(sequenceOnDuckDb(each));
  const own = tables.filter(({ duckdb }) => duckdb.schema !== 'eider');
  for (const table of own) await making.table(table);
  for (const { name, table, elements } of definitions.indexes) await making.index(name, table, elements);
  await making.views(definitions.views);
  making.ddl.push(...referencesOnDuckDb(own, catalog));
  const leftBehind = [...making.leftBehind, ...definitions.leftBehind];
  return { ddl: making.ddl, leftBehind, fingerprint: fingerprintOf(catalog, definitions) };
}

function schemasOf(all: readonly MovedName[]): string[] {
  const names = all.map(({ duckdb }) => duckdb.schema);
  return [...new Set(names)].filter((name) => name !== 'main' && name !== 'eider');
}

/** One that is at its end is made to give its last number once more, which is discarded. */
function sequenceOnDuckDb(sequence: MovedSequence): string {
  const { increment, min, max, next, cycle } = sequence;
  const quoted = quotedOnDuckDb(sequence);
  const made = `CREATE SEQUENCE ${quoted} INCREMENT BY ${increment} MINVALUE ${min} MAXVALUE ${max} START WITH ${next ?? lastOf(sequence)}${cycle ? ' CYCLE' : ''}`;
  return next !== null ? made : `${made}; SELECT nextval(${quotedText(quoted)})`;
}

const typeOf = ({ declared }: MovedColumn): string => declared;

function noteOf(column: MovedColumn): string | null {
  const isRecorded = column.postgres !== postgresType(column) && !column.declared.startsWith('ENUM');
  return isRecorded ? withRecordedType(column.comment, 'postgres', column.postgres) : column.comment;
}

class Making {
  readonly ddl: string[] = [];
  readonly leftBehind: string[] = [];
  readonly #scratch: Session;
  readonly #translation: Translation;

  constructor(scratch: Session, current: string) {
    this.#scratch = scratch;
    this.#translation = { to: 'duckdb', current, names: [] };
  }

  async run(sql: string): Promise<void> {
    await this.#scratch.execute(sql);
    this.ddl.push(sql);
  }

  async #tryRun(sql: string): Promise<boolean> {
    const isTaken = await this.#takes(sql);
    if (isTaken) this.ddl.push(sql);
    return isTaken;
  }

  #takes(sql: string): Promise<boolean> {
    return this.#scratch.execute(sql).then(
      () => true,
      () => false,
    );
  }

  async table(table: MovedTable): Promise<void> {
    const quoted = quotedOnDuckDb(table);
    await this.#scratch.execute(`DROP TABLE ${quoted}`);
    const tries = (ddl: string): Promise<boolean> => this.#takes(`${ddl}; DROP TABLE ${quoted}`);
    const constraints = keyClauses(table);
    const { sql, leftBehind } = await defineTable(table, { ...this.#translation, quoted, typeOf, constraints, tries });
    await this.run(sql);
    this.leftBehind.push(...leftBehind);
    for (const comment of commentsOf(table, quoted, noteOf)) await this.#tryRun(comment);
  }

  async index(name: string, table: MovedName, elements: string): Promise<void> {
    const translated = translate(elements, this.#translation);
    const sql = `CREATE UNIQUE INDEX ${quoteName(name)} ON ${quotedOnDuckDb(table)} (${translated})`;
    if (translated === null || !(await this.#tryRun(sql))) this.leftBehind.push(`the index ${name}`);
  }

  async views(views: MovedDefinitions['views']): Promise<void> {
    const take = (sql: string): Promise<boolean> => this.#tryRun(sql);
    this.leftBehind.push(...(await makeViews(views, { ...this.#translation, quotedOf: quotedOnDuckDb, take })));
  }
}

/** DuckDB's foreign keys refuse too much: references are rows of Eider's own. */
function referencesOnDuckDb(tables: readonly MovedTable[], { defaultSchema, relations }: Catalog): string[] {
  const rowOf = ({ duckdb }: MovedTable, { name, columns, target, targetColumns }: Reference): string => {
    const { duckdb: to } = namesOf(target, 'postgres', defaultSchema);
    const texts = [quotedText(name), quotedText(duckdb.schema), quotedText(duckdb.name), listOf(columns)];
    return `(${[...texts, quotedText(to.schema), quotedText(to.name), listOf(targetColumns)].join(', ')})`;
  };
  const rows = tables.flatMap((table) =>
    table.relation.references
      .filter(({ target }) => relations.has(relationId(target)))
      .map((reference) => rowOf(table, reference)),
  );
  return rows.length === 0 ? [] : [`INSERT INTO eider."references" VALUES ${rows.join(', ')}`];
}

/** Makes all of the user's tables and the like again, without rows. Within its transaction, if there is one. */
export async function remakeOnDuckDb(session: Session, { ddl }: DuckDbDefinitions): Promise<void> {
  await session.execute(`${referencesTable}; DELETE FROM eider."references"`);
  await dropAll(session);
  for (const sql of ddl) await session.execute(sql);
}

async function dropAll(session: Session): Promise<void> {
  const own = `database_name = current_database() AND schema_name <> 'eider'`;
  const catalog = await catalogOfDuckDb(session);
  for (const kind of ['view', 'table'] as const) {
    for (const { schema, name, kind: of } of catalog.relations.values()) {
      if (of === kind) await session.execute(`DROP ${kind} ${quoteTable({ schema, table: name })}`);
    }
  }
  const rows = await session.rows(
    `SELECT 'SEQUENCE', schema_name, sequence_name FROM duckdb_sequences() WHERE ${own} AND NOT temporary
    UNION ALL SELECT 'TYPE', schema_name, type_name FROM duckdb_types() WHERE ${own} AND NOT internal`,
  );
  for (const [kind, schema, name] of rows) {
    await session.execute(`DROP ${String(kind)} ${quoteTable({ schema: String(schema), table: String(name) })}`);
  }
}
