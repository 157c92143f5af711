/**
 * Statements that change definitions: CREATE, ALTER, DROP and COMMENT ON.
 *
 * The text is, unless it depends on rows, time or chance; then its result is: the definition that DuckDB prints,
 * and rows.
 */
import { StatementType } from '@duckdb/node-api';
import { AppError } from '../../errors.ts';
import { calledNames, type Definition } from '../../sql/definition.ts';
import type { StatementResult } from '../../sql/result.ts';
import type { Statement, WrittenName } from '../../sql/statement.ts';
import { tokensOf } from '../../sql/tokens.ts';
import type { WriteTransaction } from '../../sync/batch.ts';
import type { CapturedChange } from '../../sync/record.ts';
import type { Shapes, TableName } from '../../sync/shapes.ts';
import { quoteName, quoteTable, type Session } from '../../sync/sql.ts';
import { type DdlRun, requireDefinable } from './definable.ts';
import { requireUnused } from './dependents.ts';
import { objectExists, objectIn, unstableFunctions } from './introspect.ts';
import { mapDuckDbError } from './errors.ts';
import { tableId } from './names.ts';
import { addedRows } from './rows.ts';
import { runStatement } from './run.ts';
import { makesUnique } from './unique.ts';

export interface DdlHost {
  readonly transaction: WriteTransaction;
  readonly shapes: Shapes;
  capture(change: CapturedChange): void;
  /** The whole state is captured instead of changes, so rows from a CREATE TABLE AS need not be captured. */
  readonly isWhole: boolean;
  /** Runs a statement on rows, and captures what it changes. */
  runRows(sql: string): Promise<void>;
  /** Tables by `tableId` of which rows that were there are changed or gone in this transaction. */
  readonly rewritten: Set<string>;
  /** Tables that were made unique in some columns in this transaction. */
  readonly madeUnique: Map<string, TableName>;
}

const types = [StatementType.CREATE, StatementType.ALTER, StatementType.DROP];

/** New columns whose defaults give each row a value of its own: they are filled by one UPDATE. */
interface Fill {
  readonly table: TableName;
  readonly columns: readonly string[];
  /** Every replica would compute the same values. */
  readonly isRepeatable: boolean;
}

export class Ddl {
  readonly #host: DdlHost;
  #fill: Fill | null = null;

  constructor(host: DdlHost) {
    this.#host = host;
  }

  /** @throws AppError `invalid` for what would not mean the same everywhere */
  async run(run: DdlRun): Promise<StatementResult> {
    const { statement, definition, values } = run;
    const name = requireDefinable(run);
    // Columns that are added one after the other are filled together: DuckDB cannot alter a table whose rows have changed.
    if (!(definition.addColumn && this.#fill && tableId(name) === tableId(this.#fill.table))) await this.finish();
    const isThere = await this.#hasSchema(definition, name);
    if (isThere && (await this.#changesNothing(definition, name))) await this.#execute(statement.sql, values);
    else if (isThere) await this.#change(run, name);
    return { command: statement.command, columns: [], rows: [], rowCount: null };
  }

  /** Fills the columns that were added last. */
  async finish(): Promise<void> {
    const fill = this.#fill;
    if (!fill) return;
    this.#fill = null;
    const set = fill.columns.map((column) => `${quoteName(column)} = DEFAULT`).join(', ');
    const sql = `UPDATE ${quoteTable(fill.table)} SET ${set}`;
    if (!fill.isRepeatable) return this.#host.runRows(sql);
    await runStatement(this.#session, { sql, values: [], types: [StatementType.UPDATE] });
    this.#host.capture({ ddl: sql });
    this.#host.rewritten.add(tableId(fill.table));
  }

  async #change(run: DdlRun, name: TableName): Promise<void> {
    const { statement, definition, values } = run;
    const { action, object } = definition;
    this.#host.transaction.requireAlone();
    this.#requireNotRewritten(definition, name);
    await this.#requireEmptySchema(run, name);
    await requireUnused(this.#session, definition, name);
    if (definition.using !== null) await this.#requireRepeatable(statement.sql.slice(definition.using));
    if (definition.isOfQuery) {
      await this.#execute(statement.sql, values);
      if (this.#host.isWhole) this.#host.capture({ ddl: statement.sql });
      else await (object === 'TABLE' ? this.#captureTable(definition, name) : this.#captureEnum(run, name));
    } else if (definition.addColumn) await this.#addColumn(run, name);
    else await this.#replayable(await this.#withOwnName(run, name));
    if (makesUnique(statement, definition)) this.#host.madeUnique.set(tableId(name), name);
    if (object === 'TABLE' && (action === 'CREATE' || action === 'DROP')) this.#host.rewritten.delete(tableId(name));
    if (object === 'TABLE') await this.#host.shapes.find(name);
  }

  /**
   * Of ALTER TABLE, with the table's name as the catalog has it: DuckDB 1.5.6 names the index of ADD PRIMARY KEY after the
   * name in the statement, and a rollback leaves it behind where that is in another case.
   */
  async #withOwnName({ statement, definition: { action, object, name } }: DdlRun, table: TableName): Promise<string> {
    const { sql } = statement;
    const shape = action === 'ALTER' && object === 'TABLE' ? await this.#host.shapes.find(table) : null;
    return shape && name ? `${sql.slice(0, name.start)}${quoteTable(shape)}${sql.slice(name.end)}` : sql;
  }

  get #session(): Session {
    return this.#host.transaction.session;
  }

  async #execute(sql: string, values: readonly unknown[] = []): Promise<void> {
    await runStatement(this.#session, { sql, values, types });
    this.#host.shapes.forget();
  }

  /** Runs a statement whose text means the same everywhere. */
  async #replayable(sql: string): Promise<void> {
    await this.#execute(sql);
    this.#host.capture({ ddl: sql });
  }

  /** To DuckDB `a.t` may also be a table of a database `a`. False when there is no such schema and none is required. */
  async #hasSchema({ action, object, isConditional }: Definition, { schema }: TableName): Promise<boolean> {
    if (object === 'SCHEMA' || schema === 'main') return true;
    if (await objectExists(this.#session, 'SCHEMA', { schema, table: schema })) return true;
    if (isConditional && action !== 'CREATE') return false;
    throw new AppError('not-found', `Schema with name ${schema} does not exist!`, { sqlState: '3F000' });
  }

  /** IF NOT EXISTS where it exists, IF EXISTS where it does not. */
  async #changesNothing({ action, object, isConditional }: Definition, name: TableName): Promise<boolean> {
    if (!isConditional) return false;
    return (await objectExists(this.#session, object, name)) === (action === 'CREATE');
  }

  /** DuckDB 1.5 runs such statements and then fails to COMMIT, when the record is already in the log. */
  #requireNotRewritten({ action, object, onTable }: Definition, name: TableName): void {
    const isAboutRows = (action === 'ALTER' && object === 'TABLE') || onTable !== null;
    if (!isAboutRows || !this.#host.rewritten.has(tableId(name))) return;
    throw new AppError(
      'invalid',
      `Rows of ${name.table} were changed in this transaction, so it cannot be altered there.`,
      {
        sqlState: '55006',
        hint: 'Alter it first, or in a transaction of its own.',
      },
    );
  }

  /** DuckDB 1.5 forgets after some changes that a table belongs to its schema, and would drop both. */
  async #requireEmptySchema({ statement, definition }: DdlRun, { schema }: TableName): Promise<void> {
    const isCascade = statement.tokens.at(-1)?.keyword === 'CASCADE';
    if (definition.action !== 'DROP' || definition.object !== 'SCHEMA' || isCascade) return;
    const found = await objectIn(this.#session, schema);
    if (found === null) return;
    throw new AppError('conflict', `The schema ${schema} has ${found} in it and cannot be dropped.`, {
      sqlState: '2BP01',
      hint: 'Drop its contents first, or drop it with CASCADE.',
    });
  }

  async #requireRepeatable(expression: string): Promise<void> {
    const culprit = await this.#unrepeatable(expression);
    if (culprit === null) return;
    throw new AppError('invalid', `USING calls ${culprit}, which may give another value on every replica.`, {
      sqlState: '0A000',
      hint: 'Add a column, fill it with UPDATE, and drop the old one.',
    });
  }

  /** A function in the expression that may give other values elsewhere; null when there is none. */
  async #unrepeatable(expression: string): Promise<string | null> {
    const names = calledNames(tokensOf(expression));
    if (names.length === 0) return null;
    const unstable = await unstableFunctions(this.#session);
    return names.find((name) => unstable.has(name) || /^(?:current_|localtime|today$)/.test(name)) ?? null;
  }

  /** CREATE TABLE … AS: the definition as DuckDB prints it, and the rows. */
  async #captureTable({ orReplace }: Definition, name: TableName): Promise<void> {
    const shape = await this.#host.shapes.shape(name);
    const [row] = await this.#session.rows(
      'SELECT sql FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2',
      [shape.schema, shape.table],
    );
    const ddl = String(row?.[0]).replace(/^CREATE TABLE/, orReplace ? 'CREATE OR REPLACE TABLE' : 'CREATE TABLE');
    this.#host.capture({ ddl });
    for (const change of await addedRows(this.#session, shape)) this.#host.capture(change);
  }

  /** An ENUM of a query: the values that it found. */
  async #captureEnum({ statement, definition }: DdlRun, name: TableName): Promise<void> {
    const [row] = await this.#session.rows(
      `SELECT to_json(labels) FROM duckdb_types() WHERE database_name = current_database()
       AND lower(schema_name) = lower($1) AND lower(type_name) = lower($2) AND labels IS NOT NULL`,
      [name.schema, name.table],
    );
    const labels = (JSON.parse(String(row?.[0])) as string[]).map((label) => `'${label.replaceAll("'", "''")}'`);
    const head = statement.sql.slice(0, definition.name?.end);
    this.#host.capture({ ddl: `${head} AS ENUM (${labels.join(', ')})` });
  }

  /** DuckDB makes several statements of a default that is no constant, with a COMMIT at the end. So these are ours. */
  async #addColumn({ statement: { sql }, definition }: DdlRun, table: TableName): Promise<void> {
    const { addColumn } = definition;
    if (!addColumn) return;
    const [column = '', ...fields] = addColumn.name.parts;
    if (addColumn.isConditional && (await this.#hasColumn(table, addColumn.name))) return;
    const head = `ALTER TABLE ${quoteTable(table)}`;
    const text = `${head} ADD COLUMN ${sql.slice(addColumn.name.start)}`;
    const value = addColumn.default;
    if (!value || fields.length > 0 || (await this.#isOneStatement(text))) return this.#replayable(text);
    const expression = sql.slice(value.start);
    await this.#replayable(`${head} ADD COLUMN ${sql.slice(addColumn.name.start, value.clause)}`);
    await this.#replayable(`${head} ALTER COLUMN ${quoteName(column)} SET DEFAULT ${expression}`);
    const isRepeatable = (this.#fill?.isRepeatable ?? true) && (await this.#unrepeatable(expression)) === null;
    this.#fill = { table, columns: [...(this.#fill?.columns ?? []), column], isRepeatable };
  }

  async #hasColumn(table: TableName, { parts }: WrittenName): Promise<boolean> {
    const shape = await this.#host.shapes.shape(table);
    return parts.length === 1 && shape.allNames.some((name) => name.toLowerCase() === parts[0]!.toLowerCase());
  }

  async #isOneStatement(sql: string): Promise<boolean> {
    try {
      return await this.#session.withStatement(sql, () => Promise.resolve(true));
    } catch (error) {
      return !String(error).includes('multiple statements');
    }
  }
}

/** What is wrong with a statement on rows of something that is no table: DuckDB's own words, when it has any. */
export async function notATable(session: Session, { sql }: Statement, { parts }: WrittenName): Promise<never> {
  await session
    .withStatement(sql, () => Promise.resolve())
    .catch((error: unknown) => {
      throw mapDuckDbError(error);
    });
  throw new AppError('invalid', `${parts.join('.')} is no table whose rows can be written.`, { sqlState: '42809' });
}
