/** A dozen questions over two million rows: ad hoc SQL over HTTP, against DuckDB in the process and against PostgreSQL. */
import { DuckDBInstance } from '@duckdb/node-api';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client as PostgresClient } from 'pg';
import { databaseOn, startBackend } from './backends.ts';
import { databaseName } from './databases.ts';
import { type Bench, type BenchContext, type Figure, interleave, medians, timed } from './harness.ts';
import { Client } from './http-client.ts';
import { questions } from './questions.ts';

const rowCount = { quick: 200_000, default: 2_000_000, full: 2_000_000 };

const titles = { eider: 'Eider, /api/sql', duckdb: 'DuckDB in the process', postgres: 'PostgreSQL' } as const;
type Way = keyof typeof titles;
const ways = Object.keys(titles) as Way[];

export const analytics: Bench = {
  name: 'analytics',
  title: 'Analytical queries',
  about: `The same table and the same questions everywhere, as texts that were not prepared, and the same answers: the run fails when
they differ. Eider is asked over HTTP, and runs what it is asked in its sandbox: a process of its own, on a copy of the replica.
The copy is made for the first question, which does not count. DuckDB in the process has as many threads as it takes by itself.
PostgreSQL has a primary key, an index on the time, fresh statistics, and may work in parallel.`,
  async run(context) {
    const rows = rowCount[context.extent];
    const asked = await open(context, rows);
    try {
      const times = new Map<string, Record<Way, number>>();
      for (const { name, sql } of questions) {
        context.say(name);
        times.set(name, await timeQuestion(asked, sql, context.extent === 'quick' ? 1 : 3));
      }
      return {
        figures: figuresOf([...times.values()]),
        tables: [
          {
            title: `ms, ${rows.toLocaleString('en-US')} rows`,
            columns: ['', ...ways.map((way) => titles[way]), 'PostgreSQL / Eider'],
            rows: [...times].map(([name, ms]) => [name, ...ways.map((way) => ms[way]), ms.postgres / ms.eider]),
          },
        ],
        plots: [],
      };
    } finally {
      await asked.close();
    }
  },
};

interface Asked extends Readonly<Record<Way, (sql: string) => Promise<unknown>>> {
  close(): Promise<void>;
}

/** Integers alone, so that sums are the same in every order. Both engines compute the same rows. */
const columnsOf = (i: string): string => `${i} AS id,
  TIMESTAMP '2024-01-01' + ((${i} * 7919) % 63072000) * INTERVAL '1 second' AS sold_at,
  CAST((${i} * 104729) % 50000 AS INTEGER) AS customer, CAST((${i} * 1299709) % 1000 AS INTEGER) AS product,
  'region ' || (${i} * 15485863) % 12 AS region, CAST(1 + (${i} * 32452843) % 9 AS INTEGER) AS quantity,
  CAST(100 + (${i} * 49979687) % 99900 AS INTEGER) AS cents`;

async function open({ servers, folder, say }: BenchContext, rows: number): Promise<Asked> {
  say(`making ${rows} rows`);
  const drive = join(folder, 'drive');
  await mkdir(drive);
  await makeFile(join(drive, databaseName), rows);
  await makeFile(join(folder, 'bare.duckdb'), rows);
  const instance = await DuckDBInstance.create(join(folder, 'bare.duckdb'));
  const connection = await instance.connect();
  const backend = await startBackend('postgres');
  const { DATABASE_URL } = await databaseOn(backend, 'analytics', 'near');
  const postgres = new PostgresClient({ connectionString: DATABASE_URL! });
  await postgres.connect();
  await fillPostgres(postgres, rows);
  const eider = await servers.eider({ NETWORK_DB_PATH: drive });
  const client = await Client.connect(eider.url);
  return {
    async eider(sql) {
      const { status, text } = await client.ask({ method: 'POST', path: '/api/sql', json: { query: sql } });
      if (status !== 200) throw new Error(`${sql} was answered ${status}: ${text}`);
      return (JSON.parse(text) as { rows: unknown }).rows;
    },
    duckdb: async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJson(),
    postgres: async (sql) => (await postgres.query(sql)).rows,
    async close() {
      client.close();
      await eider.stop();
      await postgres.end();
      await backend.close();
      connection.disconnectSync();
      instance.closeSync();
    },
  };
}

async function makeFile(path: string, rows: number): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run(`CREATE TABLE sales AS SELECT ${columnsOf('i')} FROM range(1, ${rows + 1}) AS r(i)`);
  await connection.run('CHECKPOINT');
  connection.disconnectSync();
  instance.closeSync();
}

async function fillPostgres(client: PostgresClient, rows: number): Promise<void> {
  await client.query(`CREATE TABLE sales AS SELECT ${columnsOf('i')} FROM generate_series(1::bigint, ${rows}) AS r(i)`);
  await client.query('ALTER TABLE sales ADD PRIMARY KEY (id)');
  await client.query('CREATE INDEX ON sales (sold_at)');
  await client.query('VACUUM ANALYZE sales');
}

/** Medians in ms. @throws Error when the answers differ */
async function timeQuestion(asked: Asked, sql: string, rounds: number): Promise<Record<Way, number>> {
  const answers = await Promise.all(ways.map(async (way) => plain(await asked[way](sql))));
  const odd = ways.find((_, index) => answers[index] !== answers[0]);
  if (odd !== undefined) throw new Error(`${sql} has two answers:\n${answers.join('\n').slice(0, 2000)}`);
  const things = Object.fromEntries(ways.map((way) => [way, () => timed(() => asked[way](sql))]));
  return medians(await interleave({ rounds, warmUp: 0 }, things)) as Record<Way, number>;
}

/** Some send large numbers as text. */
const plain = (rows: unknown): string =>
  JSON.stringify(rows, (_name, value: unknown) => (typeof value === 'number' ? String(value) : value));

function figuresOf(times: readonly Record<Way, number>[]): Figure[] {
  const sum = (way: Way): number => times.reduce((total, ms) => total + ms[way], 0);
  const [eider, duckdb, postgres] = [sum('eider'), sum('duckdb'), sum('postgres')];
  const mean = (of: (ms: Record<Way, number>) => number): number =>
    Math.exp(times.reduce((total, ms) => total + Math.log(of(ms)), 0) / times.length);
  return [
    {
      name: 'the analytical set, all of it, Eider / DuckDB in the process',
      value: eider / duckdb,
      unit: 'x',
      target: { atMost: 1.2 },
      parts: {
        'Eider ms': eider,
        'DuckDB ms': duckdb,
        'geometric mean of the ratios x': mean((ms) => ms.eider / ms.duckdb),
      },
      bound:
        'A query runs in the sandbox’s process, on one thread of DuckDB’s, where DuckDB in the process takes all cores. To that come the way there and back, and a look at whether the sandbox’s copy is the newest state.',
    },
    {
      name: 'the analytical set, all of it, PostgreSQL / Eider',
      value: postgres / eider,
      unit: 'x',
      target: { atLeast: 10 },
      parts: {
        'PostgreSQL ms': postgres,
        'Eider ms': eider,
        'geometric mean of the ratios x': mean((ms) => ms.postgres / ms.eider),
      },
      bound:
        'Small results of a few ms are mostly the way there and back; an index helps PostgreSQL where a question asks for few rows.',
    },
  ];
}
