/** A warm read within the staleness bound against the same query, prepared, on a bare DuckDB connection. */
import { type DuckDBConnection, DuckDBInstance, type DuckDBPreparedStatement } from '@duckdb/node-api';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../lib/db/database.ts';
import type { Queries } from '../lib/values.ts';
import { bytesPerMb, databaseName, nearStore, openDatabase } from './databases.ts';
import { type Bench, type Figure, interleave, medians, timed } from './harness.ts';

const sampleMb = 10;
const rounds = { rounds: 400, warmUp: 100 };
const pageRows = 50;

/** One query, written for both sides. */
interface Query {
  readonly name: string;
  readonly sql: string;
  readonly ask: (queries: Queries, id: string) => Promise<unknown[]>;
}

const asked: readonly Query[] = [
  {
    name: 'one row by its id',
    sql: 'SELECT * FROM students WHERE id = $1',
    ask: (queries, id) => queries.selectFrom('students').selectAll().where('id', '=', id).execute(),
  },
  {
    name: `a page of ${pageRows} rows`,
    sql: `SELECT * FROM students WHERE id >= $1 ORDER BY id LIMIT ${pageRows}`,
    ask: (queries, id) =>
      queries.selectFrom('students').selectAll().where('id', '>=', id).orderBy('id').limit(pageRows).execute(),
  },
];

export const freshRead: Bench = {
  name: 'fresh-read',
  needsBytes: 5 * sampleMb * bytesPerMb,
  run: async ({ folder, placeSample }) => {
    const root = join(folder, 'store');
    await mkdir(root);
    await placeSample(sampleMb, join(root, databaseName));
    const barePath = join(folder, 'bare.duckdb');
    await placeSample(sampleMb, barePath);
    const database = await openDatabase({
      store: nearStore(root),
      slotRoot: join(folder, 'slots'),
      maxStalenessMs: 1e9,
    });
    // One thread, as the replica has: small statements are slower with more.
    const instance = await DuckDBInstance.create(barePath, { threads: '1' });
    const connection = await instance.connect();
    const figures: Figure[] = [];
    for (const query of asked) figures.push(await measure(query, database, connection));
    connection.disconnectSync();
    instance.closeSync();
    await database.close();
    return figures;
  },
};

async function measure(query: Query, database: Database, connection: DuckDBConnection): Promise<Figure> {
  const ids = (await connection.runAndReadAll('SELECT id::VARCHAR FROM students USING SAMPLE 500 ROWS')).getRows();
  const statement = await connection.prepare(query.sql);
  const idOf = (round: number): string => String(ids[round % ids.length]?.[0]);
  const { ours, bare } = medians(
    await interleave(rounds, {
      ours: (round) => timed(() => database.read((queries) => query.ask(queries, idOf(round)))),
      bare: (round) => timed(() => runBare(statement, idOf(round))),
    }),
  );
  const parts = { 'read ms': ours, 'bare query ms': bare };
  return {
    name: `fresh read - bare query, ${query.name}`,
    value: ours - bare,
    unit: 'ms',
    target: { atMost: 1 },
    parts,
  };
}

async function runBare(statement: DuckDBPreparedStatement, id: string): Promise<number> {
  statement.bindVarchar(1, id);
  const rows = await (await statement.run()).getRowObjectsJson();
  if (rows.length === 0) throw new Error('The bare query found nothing.');
  return rows.length;
}
