/**
 * Two DuckDB databases in memory: one writes, the other only sees the records of what was captured. Each commit is compared
 * down to the last value, definitions and sequences included.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, onTestFinished } from 'vitest';
import { Catalogs } from '../../lib/db/duckdb/catalogs.ts';
import { runWriting, type RunSql } from '../../lib/db/duckdb/transaction.ts';
import { referencesTable } from '../../lib/db/own-migrations.ts';
import { systemRuntime } from '../../lib/runtime.ts';
import type { StatementResult } from '../../lib/sql/result.ts';
import { mergeChanges, runWork } from '../../lib/sync/batch.ts';
import { unknownDefinitions } from '../../lib/sync/definitions.ts';
import { type Change, decodeRecord, encodeRecord, formatOf, type LogRecord } from '../../lib/sync/record.ts';
import { replaySet } from '../../lib/sync/replay.ts';
import { Shapes } from '../../lib/sync/shapes.ts';
import { quoteName, quoteTable, Session } from '../../lib/sync/sql.ts';
import type { PlainValue } from '../../lib/values.ts';

export interface Captured {
  /** Runs statements in one transaction, and replays what was captured. Answers the last result. */
  readonly run: (...statements: (string | readonly [string, ...PlainValue[]])[]) => Promise<StatementResult>;
  /** The same with work of its own. */
  readonly write: <T>(work: (run: RunSql) => Promise<T>) => Promise<T>;
  /** What the last commit put into its record. */
  readonly changes: readonly Change[];
  readonly record: LogRecord;
  readonly writer: Session;
  readonly replica: Session;
}

export async function openCaptured(...setup: string[]): Promise<Captured> {
  const writer = await openSession();
  const replica = await openSession();
  const shapes = new Shapes(writer);
  const replicaShapes = new Shapes(replica);
  const catalogs = new Catalogs(systemRuntime);
  let definitions = unknownDefinitions();
  let record: LogRecord | undefined;

  let isSetUp = false;
  async function write<T>(work: (run: RunSql) => Promise<T>): Promise<T> {
    await writer.execute('BEGIN');
    const {
      result,
      changes,
      definitions: after,
    } = await runWork((transaction) => runWriting({ transaction, shapes, catalogs }, ({ run }) => work(run)), writer, {
      definitions,
    });
    if (!result.ok) {
      await writer.execute('ROLLBACK');
      shapes.forget();
      throw result.error;
    }
    await writer.execute('COMMIT');
    definitions = after;
    record = throughRecord(mergeChanges(changes));
    await replica.execute('BEGIN');
    await replaySet(replica, replicaShapes, [record]);
    await replica.execute('COMMIT');
    const hasMacros = record.changes.some((change) => 'ddl' in change && /MACRO|FUNCTION|SCHEMA/i.test(change.ddl));
    if (isSetUp) expect(await stateOf(replica, hasMacros)).toEqual(await stateOf(writer, hasMacros));
    return result.value;
  }

  const captured: Captured = {
    write,
    run: (...statements) =>
      write(async (run) => {
        let last: StatementResult | undefined;
        for (const statement of statements) {
          const [sql, ...values] = typeof statement === 'string' ? [statement] : statement;
          last = await run(sql, values);
        }
        return last!;
      }),
    get record() {
      return record!;
    },
    get changes() {
      return record?.changes ?? [];
    },
    writer,
    replica,
  };
  for (const statement of setup) await captured.run(statement);
  isSetUp = true;
  return captured;
}

async function openSession(): Promise<Session> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const session = new Session(await instance.connect());
  await session.execute(`SET GLOBAL TimeZone = 'UTC'; CREATE SCHEMA eider; ${referencesTable}`);
  onTestFinished(() => {
    session.close();
    instance.closeSync();
  });
  return session;
}

function throughRecord(changes: readonly Change[]): LogRecord {
  const head = { database: 'd', version: 1, id: 'r', previous: 'empty', time: '', writer: '' };
  return decodeRecord(encodeRecord({ ...head, format: formatOf(changes), changes }), 'key', 1);
}

/** Everything that two replicas must have alike. DuckDB takes long to list macros. */
async function stateOf(session: Session, hasMacros = true): Promise<Record<string, unknown>> {
  const list = async (sql: string): Promise<string[]> =>
    (await session.rows(sql)).map((row) => row.map(String).join(' | '));
  const tables = await session.rows(
    `SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT temporary ORDER BY ALL`,
  );
  const rows: Record<string, string[]> = {};
  for (const [schema, table] of tables.map((each) => each.map(String))) {
    const names = (await session.rows(`DESCRIBE ${quoteTable({ schema: schema!, table: table! })}`)).map(([name]) =>
      quoteName(String(name)),
    );
    const shown = names.map((name) => `typeof(${name}), encode(${name}::VARCHAR)::VARCHAR, ${name} IS NULL`);
    rows[`${schema}.${table}`] = await list(
      `SELECT ${shown.join(', ')} FROM ${quoteTable({ schema: schema!, table: table! })} ORDER BY ALL`,
    );
  }
  return {
    rows,
    tables: await list(`SELECT schema_name, sql, comment FROM duckdb_tables() WHERE NOT temporary ORDER BY ALL`),
    columns: await list(
      `SELECT table_name, column_name, comment, column_default FROM duckdb_columns() WHERE NOT internal ORDER BY ALL`,
    ),
    views: await list(
      `SELECT schema_name, view_name, sql, comment FROM duckdb_views() WHERE NOT internal ORDER BY ALL`,
    ),
    indexes: await list(`SELECT schema_name, index_name, table_name, sql FROM duckdb_indexes() ORDER BY ALL`),
    sequences: await list(`SELECT schema_name, sequence_name, sql, last_value FROM duckdb_sequences() ORDER BY ALL`),
    types: await list(
      `SELECT schema_name, type_name, logical_type, labels FROM duckdb_types() WHERE NOT internal ORDER BY ALL`,
    ),
    macros: !hasMacros
      ? []
      : await list(
          `SELECT schema_name, function_name, parameters, macro_definition FROM duckdb_functions() WHERE NOT internal ORDER BY ALL`,
        ),
    schemas: await list(`SELECT schema_name FROM duckdb_schemas() ORDER BY ALL`),
  };
}
