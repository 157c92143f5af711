/**
 * PostgreSQL goes, comes back, falls silent, is cut off in the middle of a COMMIT: nothing is lost, nothing happens
 * twice, nothing is guessed, and every call ends in time.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { sql } from 'kysely';
import type { Database } from '../../../../lib/db/database.ts';
import { findRelation } from '../../../../lib/catalog/catalog.ts';
import { type Command, executeOnly, setNameOf } from '../../../../lib/rows/commands.ts';
import { findRow } from '../../../../lib/rows/key.ts';
import { isAppError } from '../../../../lib/errors.ts';
import type { Queries } from '../../../../lib/values.ts';
import { openPostgresDatabase } from '../../../../lib/db/postgres/postgres-database.ts';
import { systemRuntime as runtime } from '../../../../lib/runtime.ts';
import { accountIds, accounts, insertAccount } from '../../../support/engine.ts';
import { type NeonProxy, startNeonProxy } from '../../../support/servers/neon-proxy.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';
import { startTcpProxy, type TcpProxy } from '../../../support/servers/tcp-proxy.ts';

let server: PostgresServer;
let proxy: TcpProxy;
let neon: NeonProxy;
let url: string;

beforeAll(async () => {
  server = await startPostgres();
  proxy = await startTcpProxy(server);
  neon = await startNeonProxy(server, proxy.port);
});
afterAll(async () => {
  await neon.close();
  await proxy.close();
  await server.close();
});
beforeEach(async () => {
  url = await server.createDatabase();
});
afterEach(() => {
  proxy.decide = () => 'pass';
  proxy.release();
});

type Options = Partial<Parameters<typeof openPostgresDatabase>[0]>;

/** Short, so that what waits for a server that is silent is not waited for; the proportions are those in force. */
const limits = { connectMs: 1000, beginMs: 600, operationMs: 1800, commitMs: 400, outcomeMs: 3500 };

/** Through the proxy. */
async function open(options: Options = {}): Promise<Database> {
  const through = Object.assign(new URL(url), { port: String(proxy.port) }).href;
  const database = await openPostgresDatabase({
    connectionString: options.driver === 'neon' ? neon.through(url) : through,
    driver: 'pg',
    migrations: [accounts],
    runtime,
    limits,
    ...options,
  });
  onTestFinished(() => database.close());
  return database;
}

/** What the server holds, asked without the proxy. */
async function rowsThere(): Promise<unknown[]> {
  const rows = await server.run('SELECT id, balance FROM accounts ORDER BY id', new URL(url).pathname.slice(1));
  return rows.map(({ id, balance }) => [id, balance]);
}

const isCommit = (piece: Buffer): boolean => piece.includes('COMMIT');

/** Once, for the next COMMIT. */
function atCommit(fate: 'drop-connection' | 'answer-lost', then: () => void = () => undefined): void {
  proxy.decide = (piece) => {
    if (!isCommit(piece)) return 'pass';
    proxy.decide = () => 'pass';
    then();
    return fate;
  };
}

describe.each(['pg', 'neon'] as const)('through %s', (driver) => {
  it('a pool outlives restarts, kills and cut connections, and so does the process', async () => {
    const database = await open({ driver });
    const ways = [
      async () => server.stop().then(() => server.start()),
      async () => server.kill().then(() => server.start()),
      async () => proxy.cut(),
      async () =>
        void (await server.run('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')),
    ];
    for (const [index, way] of ways.entries()) {
      // Several idle connections, all of which die.
      await Promise.all([1, 2, 3].map(() => accountIds(database)));
      await way();
      await insertAccount(database, `after ${index}`);
      expect(await accountIds(database)).toHaveLength(index + 1);
    }
  });

  it('says that a server that is away is unavailable, at once, and finds it when it is back', async () => {
    const database = await open({ driver });
    await server.stop();
    try {
      await expect(accountIds(database)).rejects.toMatchObject({ kind: 'unavailable' });
      await expect(insertAccount(database, 'a')).rejects.toMatchObject({ kind: 'unavailable' });
      await expect(database.status()).rejects.toMatchObject({ kind: 'unavailable' });
      await expect(open({ driver })).rejects.toMatchObject({ kind: 'unavailable' });
    } finally {
      await server.start();
    }
    await insertAccount(database, 'a');
    expect(await rowsThere()).toEqual([['a', 0]]);
  });

  it('ends in time when a server accepts and does not answer, with old connections and new ones', async () => {
    const database = await open({ driver });
    proxy.hold();
    const calls = [accountIds(database), insertAccount(database, 'a'), open({ driver })];
    const results = await Promise.allSettled(calls);
    for (const result of results) expect(result).toMatchObject({ reason: { kind: 'unavailable' } });
    proxy.release();
    await insertAccount(database, 'b');
    expect(await rowsThere()).toEqual([['b', 0]]);
  });

  it.each(['drop-connection', 'answer-lost'] as const)('a COMMIT that meets %s is done exactly once', async (fate) => {
    const database = await open({ driver });
    await insertAccount(database, 'a', 1);
    atCommit(fate);
    let runs = 0;
    await database.write(async (queries) => {
      runs++;
      await queries
        .updateTable('accounts')
        .set((eb) => ({ balance: eb('balance', '+', 1) }))
        .execute();
    });
    expect(await rowsThere()).toEqual([['a', 2]]);
    // What was committed is found to be, and never run again.
    expect(runs > 1).toBe(fate === 'drop-connection');
  });
});

describe('an outcome that nobody tells', () => {
  it('is indeterminate while the server cannot be asked, and never repeated', async () => {
    const database = await open();
    atCommit('answer-lost', () => {
      // From the moment on at which the answer is lost, nothing passes.
      proxy.decide = () => 'drop-connection';
    });
    await expect(insertAccount(database, 'a', 7)).rejects.toMatchObject({ kind: 'indeterminate' });
    expect(await rowsThere()).toEqual([['a', 7]]);
  });

  it('is asked of the server after its crash', async () => {
    let ending = Promise.resolve();
    const database = await open({ limits: { ...limits, outcomeMs: 20_000 } });
    await insertAccount(database, 'a');
    atCommit('answer-lost', () => {
      ending = new Promise((resolve) => setTimeout(resolve, 100)).then(() => server.kill()).then(() => server.start());
    });
    await insertAccount(database, 'b', 3);
    await ending;
    expect(await rowsThere()).toEqual([
      ['a', 0],
      ['b', 3],
    ]);
  });

  it.each(['an instance', 'another program'])(
    'is not that of %s, which got the same number after a crash',
    async (other) => {
      // What was not committed is lost in the crash, its number included.
      const own = await startPostgres({ settings: { wal_writer_delay: '10s', autovacuum: 'off' } });
      onTestFinished(() => own.close());
      const connectionString = await own.createDatabase();
      const name = new URL(connectionString).pathname.slice(1);
      const numbers: unknown[] = [];
      let isArmed = false;
      const options = { connectionString, driver: 'pg', migrations: [accounts], runtime } as const;
      const beside = await openPostgresDatabase(options);
      onTestFinished(() => beside.close());
      const insertByHand = async (): Promise<number> => {
        const text = `INSERT INTO accounts (id, balance) VALUES ('other', 0) RETURNING pg_current_xact_id()::text AS number`;
        return Number((await own.run(text, name))[0]?.['number']);
      };
      const database = await openPostgresDatabase({
        ...options,
        limits: { ...limits, outcomeMs: 20_000 },
        onStep: async (step) => {
          if (step !== 'worked' || !isArmed) return;
          isArmed = false;
          await own.kill();
          await own.start();
          numbers.push(await (other === 'an instance' ? insertAccount(beside, 'other') : insertByHand()));
        },
      });
      onTestFinished(() => database.close());
      await insertAccount(database, 'a');
      isArmed = true;
      const writing = database.write(async (queries) => {
        await queries.insertInto('accounts').values({ id: 'b', owner: null, balance: 3 }).execute();
        const { rows } = await sql<{ number: string }>`SELECT pg_current_xact_id()::text AS number`.execute(queries);
        numbers.push(...rows.map(({ number }) => Number(number)));
      });
      // Another program leaves no token: then nobody can know.
      const ended = await writing.then(
        () => 'done',
        (error: unknown) => (isAppError(error) ? error.kind : error),
      );
      expect(ended).toBe(other === 'an instance' ? 'done' : 'indeterminate');
      expect(numbers[1]).toBe(numbers[0]);
      const rows = await own.run('SELECT id, balance FROM accounts ORDER BY id', name);
      expect(rows.map((row) => Object.values(row))).toEqual([
        ['a', 0],
        ...(other === 'an instance' ? [['b', 3]] : []),
        ['other', 0],
      ]);
    },
  );

  it('of a transaction that the server still holds is waited for until it is undone', async () => {
    // COMMIT is lost, and the server does not notice that the connection is gone: it ends what stands still by itself.
    const database = await open({ limits: { ...limits, outcomeMs: 15_000 } });
    proxy.decide = (piece) => {
      if (isCommit(piece)) {
        proxy.decide = () => 'pass';
        return 'swallow';
      }
      return 'pass';
    };
    await expect(insertAccount(database, 'a', 5)).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'The connection to PostgreSQL was lost, and nothing was changed.',
    });
    expect(await rowsThere()).toEqual([]);
  });
});

describe('under load', () => {
  it('no acknowledged write is lost and none is done twice, whatever is cut', async () => {
    const database = await open();
    await insertAccount(database, 'sum');
    const acknowledged: string[] = [];
    const unknown: string[] = [];
    let pieces = 0;
    proxy.decide = (piece) => {
      if (++pieces % 13 === 0) return isCommit(piece) && pieces % 2 === 0 ? 'answer-lost' : 'drop-connection';
      return 'pass';
    };
    const write = async (id: string): Promise<void> => {
      try {
        await database.write(async (queries) => {
          await queries.insertInto('accounts').values({ id, owner: null, balance: 1 }).execute();
          await queries
            .updateTable('accounts')
            .set((eb) => ({ balance: eb('balance', '+', 1) }))
            .where('id', '=', 'sum')
            .execute();
        });
        acknowledged.push(id);
      } catch (error) {
        if (isAppError(error, 'indeterminate')) unknown.push(id);
        else if (!isAppError(error, 'unavailable')) throw error;
      }
    };
    for (let round = 0; round < 12; round++) {
      await Promise.all([1, 2, 3].map((index) => write(`${round}/${index}`)));
    }
    proxy.decide = () => 'pass';
    const rows = (await rowsThere()) as [string, number][];
    const there = rows.map(([id]) => id).filter((id) => id !== 'sum');
    expect(there).toEqual(expect.arrayContaining(acknowledged));
    expect(there.filter((id) => !acknowledged.includes(id) && !unknown.includes(id))).toEqual([]);
    expect(rows.find(([id]) => id === 'sum')?.[1]).toBe(there.length);
    expect(acknowledged.length).toBeGreaterThan(12);
  });
});

describe('a command that is one statement', () => {
  const values = { owner: null, balance: 1 };
  const command = <C extends Command>(database: Database, what: C) =>
    database.write((queries, scope) => executeOnly(queries, scope, what)).then(({ value }) => value.value);
  const create = (database: Database, id: string) =>
    command(database, { kind: 'create', table: 'accounts', values: { id, ...values } });
  const isStatement = (piece: Buffer): boolean =>
    /insert into|update "|delete from|eider_\d+_\d+/.test(piece.toString('latin1'));

  /** Once, for the next statement that writes. */
  function atStatement(fate: 'drop-connection' | 'answer-lost' | 'swallow', then: () => void = () => undefined): void {
    proxy.decide = (piece) => {
      if (!isStatement(piece)) return 'pass';
      proxy.decide = () => 'pass';
      then();
      return fate;
    };
  }

  /** A busy machine takes its time to find out, and to do it again. */
  const patient = {
    ...limits,
    connectMs: 5000,
    beginMs: 5000,
    operationMs: 20_000,
    outcomeMs: 30_000,
    maxConnections: 2,
  };

  /** The session is known to be its own from its second use on, and keeps a statement from its second time on. */
  async function openWarm(times: number, outcomeMs = patient.outcomeMs): Promise<Database> {
    const database = await open({ limits: { ...patient, outcomeMs } });
    for (let time = 0; time < times; time++) await create(database, `warm ${time}`);
    return database;
  }

  const fates = ['drop-connection', 'answer-lost', 'swallow'] as const;

  it.each(fates.flatMap((fate) => [1, 3].map((times) => [fate, times] as const)))(
    'is done exactly once when it meets %s, and answered with its rows (after %d others)',
    async (fate, times) => {
      const database = await openWarm(times);
      atStatement(fate);
      expect(await create(database, 'a')).toEqual({ id: 'a', ...values });
      atStatement(fate);
      const rows = ['b', 'c'].map((id) => ({ id, ...values }));
      expect(await command(database, { kind: 'createMany', table: 'accounts', rows })).toEqual(rows);
      atStatement(fate);
      const updated = await command(database, {
        kind: 'update',
        table: 'accounts',
        key: ['a'],
        values: { balance: 5 },
      });
      expect(updated).toEqual({ id: 'a', owner: null, balance: 5 });
      atStatement(fate);
      expect(await command(database, { kind: 'delete', table: 'accounts', key: ['b'] })).toBe(null);
      const rowsNow = ((await rowsThere()) as [string, number][]).filter(([id]) => !id.startsWith('warm'));
      expect(rowsNow).toEqual([
        ['a', 5],
        ['c', 1],
      ]);
      const { value: feed } = await database.changes({ after: 0, limit: 1000 });
      const told = feed.sets.flatMap(({ changes }) => changes).filter(({ kind }) => kind !== 'schema');
      expect(told).toHaveLength(times + 4);
    },
  );

  it('is answered with the version that it has in the feed, also when its answer is lost', async () => {
    const database = await openWarm(3);
    atStatement('answer-lost');
    const { version } = await database.write((queries, scope) =>
      executeOnly(queries, scope, { kind: 'create', table: 'accounts', values: { id: 'a', ...values } }),
    );
    const { value: feed } = await database.changes({ after: version - 1, limit: 10 });
    expect(feed.sets[0]).toMatchObject({ version, changes: [{ kind: 'put', rows: [{ id: 'a' }] }] });
  });

  it('is indeterminate while the server cannot be asked, and never repeated', async () => {
    const database = await openWarm(3, 2000);
    atStatement('answer-lost', () => {
      proxy.decide = () => 'drop-connection';
    });
    await expect(create(database, 'a')).rejects.toMatchObject({ kind: 'indeterminate' });
    expect(await rowsThere()).toContainEqual(['a', 1]);
  });

  it('that shares a transaction with others is indeterminate like them, and none is repeated', async () => {
    const database = await openWarm(3, 2000);
    const shared = (id: string): Promise<unknown> => {
      const what: Command = { kind: 'create', table: 'accounts', values: { id, ...values } };
      return database.write((queries, scope) => executeOnly(queries, scope, what), { together: setNameOf(what) });
    };
    atCommit('answer-lost', () => {
      proxy.decide = () => 'drop-connection';
    });
    // The first runs by itself, without a COMMIT, and those that come meanwhile after it, together.
    const [first, ...others] = await Promise.allSettled(['a', 'b', 'c', 'd'].map(shared));
    expect(first).toMatchObject({ status: 'fulfilled' });
    expect(others).toMatchObject([1, 2, 3].map(() => ({ status: 'rejected', reason: { kind: 'indeterminate' } })));
    expect((await rowsThere()).slice(0, 4)).toEqual(['a', 'b', 'c', 'd'].map((id) => [id, 1]));
  });

  it('that waits for a lock when its connection breaks is ended, and done once', async () => {
    const database = await openWarm(3);
    const other = await server.client(new URL(url).pathname.slice(1));
    await other.query(`BEGIN; UPDATE accounts SET balance = 7 WHERE id = 'warm 0'`);
    const updating = command(database, {
      kind: 'update',
      table: 'accounts',
      key: ['warm 0'],
      values: { owner: 'eve' },
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await other.query('COMMIT');
    await other.end();
    expect(await updating).toEqual({ id: 'warm 0', owner: 'eve', balance: 7 });
  });

  it('is found to be committed when others have changed its row since in a lower version', async () => {
    const database = await openWarm(3);
    const name = new URL(url).pathname.slice(1);
    const earlier = await server.client(name);
    await earlier.query('BEGIN; SELECT pg_current_xact_id()');
    atStatement('answer-lost', () => {
      // Nothing passes until the other has overtaken it.
      proxy.decide = () => 'drop-connection';
    });
    const creating = create(database, 'a');
    await expect.poll(rowsThere).toContainEqual(['a', 1]);
    await earlier.query(`UPDATE accounts SET balance = 9 WHERE id = 'a'; COMMIT`);
    await earlier.end();
    proxy.decide = () => 'pass';
    await expect(creating).rejects.toMatchObject({
      kind: 'indeterminate',
      message: expect.stringContaining('committed'),
    });
    expect(await rowsThere()).toContainEqual(['a', 9]);
  });

  it('on a table with a trigger of the user runs in a transaction', async () => {
    const database = await openWarm(3);
    const name = new URL(url).pathname.slice(1);
    await server.run(
      `CREATE FUNCTION double() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.balance := 2 * NEW.balance; RETURN NEW; END $$;
      CREATE TRIGGER double BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION double()`,
      name,
    );
    await database.catalog({ maxStalenessMs: 0 });
    atCommit('answer-lost');
    expect(await create(database, 'a')).toEqual({ id: 'a', owner: null, balance: 2 });
    expect(await rowsThere()).toContainEqual(['a', 2]);
  });

  it('goes on when a table has got other columns since it was kept', async () => {
    const database = await openWarm(4);
    const read = () =>
      database.read((_, scope) => findRow(scope, findRelation(scope.catalog, 'accounts')!, ['warm 0']));
    for (let time = 0; time < 3; time++) await read();
    await server.run('ALTER TABLE accounts ADD COLUMN note text DEFAULT $$n$$', new URL(url).pathname.slice(1));
    expect(await create(database, 'a')).toEqual({ id: 'a', ...values, note: 'n' });
    await database.catalog({ maxStalenessMs: 0 });
    expect((await read()).value).toMatchObject({ id: 'warm 0', note: 'n' });
  });

  it('has its formats whatever other work makes of the session', async () => {
    const database = await openWarm(3);
    await database.write((_, scope) =>
      scope.run(`SELECT set_config('extra_float_digits', '-10', false), set_config('bytea_output', 'escape', false)`),
    );
    for (let time = 0; time < 3; time++) {
      const { value } = await database.read((_, scope) =>
        scope.runAlone!('SELECT 0.1::float8 + 0.2::float8 AS sum, $1::bytea AS bytes', ['\\xff'], {
          changes: null,
          isKept: true,
        }),
      );
      expect(value.rows).toEqual([[0.30000000000000004, '/w==']]);
    }
  });

  it('cannot write when it reads', async () => {
    const database = await openWarm(3);
    const name = new URL(url).pathname.slice(1);
    await server.run(
      `CREATE FUNCTION sneak() RETURNS int LANGUAGE sql VOLATILE AS $$ INSERT INTO accounts VALUES ('x') RETURNING 1 $$;
      CREATE VIEW sneaky AS SELECT sneak() AS one`,
      name,
    );
    for (let time = 0; time < 2; time++) {
      const reading = database.read((_, scope) =>
        scope.runAlone!('SELECT one FROM sneaky', [], { changes: null, isKept: true }),
      );
      await expect(reading).rejects.toMatchObject({ kind: 'invalid', sqlState: '25006' });
    }
    expect(await rowsThere()).toHaveLength(3);
  });

  it('under load loses nothing that was acknowledged, and does nothing twice, whatever is cut', async () => {
    const database = await open({ limits: { ...patient, maxConnections: 10 } });
    await create(database, 'sum');
    const [acknowledged, unknown]: [string[], string[]] = [[], []];
    let pieces = 0;
    proxy.decide = (piece) => {
      if (++pieces % 17 !== 0) return 'pass';
      return isStatement(piece) && pieces % 2 === 0 ? 'answer-lost' : 'drop-connection';
    };
    const write = async (id: string): Promise<void> => {
      try {
        await create(database, id);
        acknowledged.push(id);
      } catch (error) {
        if (isAppError(error, 'indeterminate')) unknown.push(id);
        else if (!isAppError(error, 'unavailable')) throw error;
      }
    };
    for (let round = 0; round < 30; round++) await Promise.all([1, 2, 3, 4].map((index) => write(`${round}/${index}`)));
    proxy.decide = () => 'pass';
    const there = ((await rowsThere()) as [string, number][]).map(([id]) => id).filter((id) => id !== 'sum');
    expect(there).toEqual(expect.arrayContaining(acknowledged));
    expect(there.filter((id) => !acknowledged.includes(id) && !unknown.includes(id))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(60);
  });
});

describe('a process', () => {
  it('freed from a freeze in the middle of a write does it once', async () => {
    const database = await open({ limits: { ...limits, operationMs: 20_000 } });
    let runs = 0;
    await database.write(async (queries) => {
      runs++;
      await queries.insertInto('accounts').values({ id: 'a', owner: null, balance: 1 }).execute();
      // The server has ended the session meanwhile, as it does with one that stands still for too long.
      if (runs === 1)
        await server.run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_xid IS NOT NULL`);
      await queries.updateTable('accounts').set({ balance: 2 }).execute();
    });
    expect([runs, await rowsThere()]).toEqual([2, [['a', 2]]]);
  });

  it('with more calls than connections lets them wait, and says so when it takes too long', async () => {
    const database = await open({ limits: { ...limits, maxConnections: 2 } });
    await Promise.all(Array.from({ length: 10 }, (_, index) => insertAccount(database, String(index))));
    expect(await rowsThere()).toHaveLength(10);
    const free = Promise.withResolvers<null>();
    const hold = (queries: Queries) => sql`SELECT 1`.execute(queries).then(() => free.promise);
    const holders = [1, 2].map(() => database.read(hold));
    await expect(accountIds(database)).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'All 2 connections of this instance are busy.',
    });
    free.resolve(null);
    await Promise.all(holders);
  });
});
