/** Moving from DuckDB to DuckDB: everything comes along, at once or not at all. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isSameSum } from '../../../lib/db/move/checksum.ts';
import type { DuckDbBackend, MoveOptions } from '../../../lib/db/move/report.ts';
import { moveDatabase } from '../../../lib/db/move/move.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { createDirectoryStore } from '../../../lib/store/directory.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import type { Store } from '../../../lib/store/store.ts';
import { Engine } from '../../../lib/sync/engine.ts';
import { accountIds, insertAccount, openDatabase, temporaryFolder } from '../../support/engine.ts';

async function openEngine(store: Store): Promise<Engine> {
  const engine = await Engine.open({ store, name: 'test.db', slotRoot: await temporaryFolder(), runtime });
  onTestFinished(() => engine.close());
  return engine;
}

const duckDb = (location: string, engine: Engine): DuckDbBackend => ({ kind: 'duckdb', location, engine });

/** The same engine with another way to copy its state. */
function changed(engine: Engine, change: Pick<Engine, 'copyState'>): Engine {
  return Object.assign(Object.create(engine) as Engine, { read: engine.read.bind(engine), ...change });
}

async function move(from: Store, to: Store, options: Partial<MoveOptions> = {}) {
  return moveDatabase({
    source: duckDb('from', await openEngine(from)),
    target: duckDb('to', await openEngine(to)),
    replace: false,
    workFolder: await temporaryFolder(),
    runtime,
    onEvent: () => undefined,
    ...options,
  });
}

async function rows(store: Store, sql: string): Promise<unknown[][]> {
  const engine = await openEngine(store);
  const { value } = await engine.read((session) => session.rows(sql), { maxStalenessMs: 0, atLeast: undefined });
  return value.map((row) => row.map(String));
}

async function filled(count: number): Promise<Store> {
  const store = createMemoryStore({ runtime });
  const database = await openDatabase({ store });
  for (let index = 0; index < count; index++) await insertAccount(database, `a${index}`, index);
  return store;
}

/** Tables and other things that the schema knows nothing of, as in an adopted file. */
const foreign = `CREATE SCHEMA sales; CREATE TYPE mood AS ENUM ('glad', 'sad');
  CREATE TABLE sales.notes (text VARCHAR, noted TIMESTAMP_NS, mood mood, extra STRUCT(a INTEGER, b DOUBLE[]));
  INSERT INTO sales.notes VALUES ('one', '2026-11-24 01:02:03.123456789', 'sad', {a: 1, b: [1.5, NULL]}), (NULL, NULL, NULL, NULL);
  CREATE VIEW counted AS SELECT count(*) AS count FROM sales.notes`;

describe('a move from DuckDB to DuckDB', () => {
  it('brings every table, and what is no table, onto another store that serves on', async () => {
    const from = await filled(3);
    await (await openEngine(from)).writeBulk((session) => session.execute(foreign));
    const to = createDirectoryStore({ root: join(await temporaryFolder(), 'store'), create: true, runtime });
    const target = await openDatabase({ store: to });
    const report = await move(from, to);
    expect(report).toMatchObject({ outcome: 'moved', sourceMovedOn: false, leftBehind: [] });
    expect(Object.entries(report.tables).map(([name, { rows: count }]) => [name, count])).toEqual([
      ['accounts', 3],
      ['sales.notes', 2],
      ['eider.idempotency_keys', 0],
      ['eider.settled_writes', 0],
    ]);
    expect(await accountIds(target)).toEqual(['a0', 'a1', 'a2']);
    expect(await insertAccount(target, 'after')).toBe(report.targetVersion + 1);
    expect(await rows(to, 'SELECT * FROM sales.notes ORDER BY text')).toEqual(
      await rows(from, 'SELECT * FROM sales.notes ORDER BY text'),
    );
    expect(await rows(to, 'SELECT * FROM counted')).toEqual([['2']]);
    const ids = await Promise.all([from, to].map(async (store) => (await openEngine(store)).status().databaseId));
    expect(new Set(ids).size).toBe(2);
  });

  it('finds nothing to do when it is repeated, and brings what was written since', async () => {
    const from = await filled(2);
    const to = createMemoryStore({ runtime });
    await openDatabase({ store: to });
    const first = await move(from, to);
    const second = await move(from, to);
    expect(second).toMatchObject({
      outcome: 'there-already',
      targetVersion: first.targetVersion,
      tables: first.tables,
    });
    await insertAccount(await openDatabase({ store: from }), 'later');
    expect(await move(from, to)).toMatchObject({ outcome: 'moved' });
    expect(await accountIds(await openDatabase({ store: to }))).toEqual(['a0', 'a1', 'later']);
  });

  it('brings definitions that changed, and where sequences are', async () => {
    const [from, to] = [await filled(1), await filled(0)];
    const change = async (sql: string) => (await openEngine(from)).writeBulk((session) => session.execute(sql));
    await change('CREATE SEQUENCE numbers');
    expect(await move(from, to)).toMatchObject({ outcome: 'moved' });
    for (const sql of ['CREATE VIEW ids AS SELECT id FROM accounts', `SELECT nextval('numbers')`]) {
      await change(sql);
      expect(await move(from, to)).toMatchObject({ outcome: 'moved' });
      expect(await move(from, to)).toMatchObject({ outcome: 'there-already' });
    }
    expect(await rows(to, 'SELECT * FROM ids')).toEqual([['a0']]);
  });

  it('refuses a target with rows of its own, also after a move, unless told to replace them', async () => {
    const from = await filled(2);
    const to = await filled(0);
    await move(from, to);
    const target = await openDatabase({ store: to });
    await insertAccount(target, 'own');
    await expect(move(from, to)).rejects.toMatchObject({
      kind: 'conflict',
      message: 'The target to has data of its own: accounts (3).',
    });
    expect(await accountIds(target)).toEqual(['a0', 'a1', 'own']);
    await move(from, to, { replace: true });
    expect(await accountIds(target)).toEqual(['a0', 'a1']);
  });

  it('brings one state of the source, and says when it was written meanwhile', async () => {
    const from = await filled(1);
    const database = await openDatabase({ store: from });
    const engine = await openEngine(from);
    const copyState = async (path: string): Promise<number> => {
      await insertAccount(database, 'meanwhile');
      return engine.copyState(path);
    };
    const to = await filled(0);
    const report = await move(from, to, { source: duckDb('from', changed(engine, { copyState })) });
    expect(report).toMatchObject({ outcome: 'moved', sourceMovedOn: true });
    expect(await accountIds(await openDatabase({ store: to }))).toEqual(['a0']);
    expect(await move(from, to)).toMatchObject({ outcome: 'moved', sourceMovedOn: false });
    expect(await accountIds(await openDatabase({ store: to }))).toEqual(['a0', 'meanwhile']);
  });

  it('overwrites nothing that reaches the target meanwhile', async () => {
    const to = await filled(0);
    const target = await openDatabase({ store: to });
    let isFirst = true;
    const create: Store['create'] = async (key, ...rest) => {
      if (key.includes('.bulk/') && isFirst) {
        isFirst = false;
        await insertAccount(target, 'meanwhile');
      }
      return to.create(key, ...rest);
    };
    const overtaken = new Proxy(to, {
      get(store, name) {
        const value: unknown = Reflect.get(store, name, store);
        if (name === 'create') return create;
        return typeof value === 'function' ? (value.bind(store) as unknown) : value;
      },
    });
    await expect(move(await filled(2), overtaken)).rejects.toMatchObject({ kind: 'conflict' });
    expect(await accountIds(target)).toEqual(['meanwhile']);
  });

  it('changes nothing when the copy is not what was read', async () => {
    const [from, to] = [await filled(2), await filled(0)];
    const other = await openEngine(await filled(3));
    const damaged = changed(await openEngine(from), { copyState: (path) => other.copyState(path) });
    await expect(move(from, to, { source: duckDb('from', damaged) })).rejects.toMatchObject({ kind: 'corrupt' });
    expect(await accountIds(await openDatabase({ store: to }))).toEqual([]);
    expect((await to.list('test.db.bulk/')).objects).toEqual([]);
  });
});

describe('a sum of rows', () => {
  it('is another one for other rows', async () => {
    const sums = await Promise.all(
      ['a', 'b'].map(async (id) => {
        const store = await filled(1);
        await insertAccount(await openDatabase({ store }), id);
        return (await move(store, await filled(0))).tables['accounts']!;
      }),
    );
    expect(isSameSum(sums[0]!, sums[1]!)).toBe(false);
  });
});
