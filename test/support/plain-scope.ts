/** A scope over one DuckDB session, for tests of SQL that need no database around it. */
import { DuckDBInstance } from '@duckdb/node-api';
import type { Catalog } from '../../lib/catalog/catalog.ts';
import { readDuckDbCatalog } from '../../lib/catalog/duckdb.ts';
import type { Scope } from '../../lib/db/database.ts';
import { bindValues } from '../../lib/db/duckdb/bind.ts';
import { plainRows } from '../../lib/db/duckdb/dialect.ts';
import type { StatementResult } from '../../lib/sql/result.ts';
import { Session } from '../../lib/sync/sql.ts';
import type { PlainValue } from '../../lib/values.ts';

/** A database in memory with these tables. */
export async function openScope(ddl: string): Promise<Scope> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const session = new Session(await instance.connect());
  await session.execute(ddl);
  return scopeOver(session);
}

export async function scopeOver(session: Session): Promise<Scope> {
  const catalog: Catalog = await readDuckDbCatalog(async (sql) => plainRows(await session.run(sql)), []);
  return { catalog, run: (sql, values = []) => runOn(session, sql, values) };
}

export async function runOn(session: Session, sql: string, values: readonly PlainValue[]): Promise<StatementResult> {
  const result = await session.withStatement(sql, (statement) => {
    if (values.length > 0) bindValues(statement, values);
    return statement.run();
  });
  const names = result.columnNames();
  const rows = plainRows(result).map((row) => names.map((name) => row[name] ?? null));
  const types = result.columnTypes();
  return {
    command: 'SELECT',
    columns: names.map((name, index) => ({ name, type: String(types[index]) })),
    rows,
    rowCount: names[0] === 'Count' ? Number(rows[0]?.[0]) : rows.length,
  };
}
