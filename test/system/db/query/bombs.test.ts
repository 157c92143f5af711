/** Queries that would take all time and memory there is: stopped, while reads and writes go on beside them. */
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import type { Database, QueryRequest } from '../../../../lib/db/database.ts';
import { isAppError } from '../../../../lib/errors.ts';
import { systemRuntime } from '../../../../lib/runtime.ts';
import { createMemoryStore } from '../../../../lib/testing/memory.ts';
import { accountIds, insertAccount, openDatabase } from '../../../support/engine.ts';

const open = (): Promise<Database> => openDatabase({ store: createMemoryStore({ runtime: systemRuntime }) });

const limits = { parameters: [], maxRows: 100, maxBytes: 100_000, timeoutMs: 700 } satisfies Partial<QueryRequest>;

const sum = (expression: string): string => `SELECT sum(length(${expression})) FROM range(5000) t(i)`;

/** Those that DuckDB can stop or refuse, and those that only the end of their process stops. */
const bombs: readonly string[] = [
  'SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c',
  'SELECT a.range FROM range(1000000000) a ORDER BY hash(a.range) DESC',
  'SELECT count(*) FROM (SELECT DISTINCT hash(range) FROM range(1000000000))',
  `SELECT repeat('x', 1000000000)`,
  sum(`repeat('x', 10000000 + i::INTEGER)`),
  sum(`repeat('x', 500000 + i::INTEGER) || repeat('y', 500000 + i::INTEGER) || repeat('z', 500000 + i::INTEGER)`),
  sum(`replace(repeat('a', 3000 + i::INTEGER), 'a', repeat('b', 10000))`),
  sum(`regexp_replace(repeat('a', 3000 + i::INTEGER), 'a', repeat('b', 10000), 'g')`),
  `SELECT sum(length(regexp_replace(repeat('a', 1000000) || i, '(a*)*b?', 'c', 'g'))) FROM range(100000) t(i)`,
  `SELECT regexp_matches('a', '((a{1,100}){1,100}){1,100}')`,
  'SELECT list_sum(range(10000000000))',
  'SELECT length(range(3000000000))',
  'SELECT array_agg(i) FROM range(10000000000) t(i)',
  'SELECT list_transform(range(100000000), x -> range(x))',
  'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r',
  `WITH RECURSIVE r(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM r) SELECT max(length(s)) FROM r`,
  `SELECT levenshtein(repeat('a', 100000), repeat('b', 100000 + i::INTEGER)) FROM range(1000) t(i)`,
  `SELECT ${'1+'.repeat(20_000)}1`,
];

/** Reads and writes until it is told to end; answers how many it has done at any time. */
function serveBeside(database: Database): { served: () => number; end: () => Promise<void> } {
  const ended = new AbortController();
  let served = 0;
  const serving = (async () => {
    while (!ended.signal.aborted) {
      await accountIds(database);
      await insertAccount(database, `during ${served}`);
      served++;
      await systemRuntime.sleep(20);
    }
  })();
  return {
    served: () => served,
    end: () => {
      ended.abort();
      return serving;
    },
  };
}

it('stops every one of them, and the database serves meanwhile and after', { timeout: 120_000 }, async () => {
  const database = await open();
  const beside = serveBeside(database);
  const harmless: string[] = [];
  for (const sql of bombs) {
    const before = beside.served();
    const outcome = await database.query({ ...limits, sql }).catch((error: unknown) => error);
    const isStopped = isAppError(outcome, 'invalid');
    const wasServed = !String(outcome).includes('longer than') || beside.served() > before;
    if (!isStopped || !wasServed) harmless.push(`${sql.slice(0, 80)}: ${String(outcome)}`);
  }
  await beside.end();
  expect(harmless).toEqual([]);
  const { value } = await database.query({ ...limits, sql: 'SELECT count(*) FROM accounts' });
  expect(value.rows).toEqual([[String(beside.served())]]);
});

it('runs few at once, and none holds up reads and writes; the next ones wait their turn', async () => {
  const database = await open();
  await insertAccount(database, 'a');
  const endless = { ...limits, sql: 'SELECT count(*) FROM range(100000000000)', timeoutMs: 2000 };
  const stuck = Promise.allSettled([1, 2, 3].map(() => database.query(endless)));
  const quick = database.query({ ...limits, sql: 'SELECT 1' });
  expect(await accountIds(database)).toEqual(['a']);
  await insertAccount(database, 'b');
  expect(await accountIds(database)).toEqual(['a', 'b']);
  expect((await stuck).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect((await quick).value.rows).toEqual([[1]]);
});

it('stops with the client, and with the database; no process stays behind', async () => {
  const database = await open();
  const endless = { ...limits, sql: 'SELECT count(*) FROM range(100000000000)', timeoutMs: 60_000 };
  const gone = new AbortController();
  const left = database.query(endless, { signal: gone.signal });
  await expect.poll(childrenAtWork).toBeGreaterThan(0);
  gone.abort();
  await expect(left).rejects.toMatchObject({ kind: 'unavailable' });
  expect((await database.query({ ...limits, sql: 'SELECT 1' })).value.rows).toEqual([[1]]);
  const stuck = database.query(endless);
  stuck.catch(() => undefined);
  await systemRuntime.sleep(300);
  await database.close();
  await expect(stuck).rejects.toMatchObject({ kind: 'unavailable' });
  await expect.poll(childrenAtWork).toBe(0);
});

/** Processes for queries that this one has started and that live. */
function childrenAtWork(): number {
  const all = execFileSync('ps', ['-eo', 'ppid=,stat=,args='], { encoding: 'utf8' });
  return all.split('\n').filter((line) => {
    const [parent, state = ''] = line.trim().split(/\s+/);
    return Number(parent) === process.pid && !state.startsWith('Z') && line.includes('eider-queries');
  }).length;
}
