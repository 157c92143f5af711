/** Who may run what, and how a request is understood and answered, on either engine. */
import { expect, it } from 'vitest';
import type { Deploy } from '../../support/deployments.ts';
import { driver, errorOf, serve, type Served, tokens } from './served.ts';
import { problemType } from '../../support/problems.ts';

const post = (served: Served, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${served.url}/api/sql`, { method: 'POST', headers, body: JSON.stringify(body) });

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** In an order in which each can run. */
const statements = {
  read: [
    'SELECT title FROM notes',
    'WITH n AS (SELECT 1 AS a) SELECT a FROM n',
    'VALUES (1)',
    'EXPLAIN SELECT title FROM notes',
  ],
  rows: [
    `INSERT INTO notes (title) VALUES ('b')`,
    `INSERT INTO notes (title) SELECT title || '!' FROM notes`,
    `WITH n AS (SELECT 'c' AS t) INSERT INTO notes (title) SELECT t FROM n`,
    `UPDATE notes SET title = 'd' WHERE title = 'c'`,
    `UPDATE notes SET title = s.t FROM (SELECT 'd' AS f, 'e' AS t) AS s WHERE title = s.f`,
    `MERGE INTO notes USING (SELECT 'e' AS t) AS s ON notes.title = s.t WHEN MATCHED THEN DELETE`,
    `DELETE FROM notes WHERE title = 'b'`,
    'TRUNCATE notes',
  ],
  definition: [
    'CREATE TABLE made (a INTEGER PRIMARY KEY)',
    'CREATE TABLE copied AS SELECT title FROM notes',
    'CREATE VIEW seen AS SELECT title FROM notes',
    'CREATE SEQUENCE numbers',
    'CREATE INDEX by_title ON notes (lower(title))',
    'ALTER TABLE made ADD COLUMN b INTEGER',
    `COMMENT ON TABLE made IS 'x'`,
    'DROP INDEX by_title',
    'DROP VIEW seen',
    'DROP SEQUENCE numbers',
    'DROP TABLE copied',
    'DROP TABLE made',
  ],
  other: [
    'BEGIN',
    'COMMIT',
    'ROLLBACK',
    'SAVEPOINT s',
    `SET timezone = 'UTC'`,
    'RESET ALL',
    `COPY notes TO '/tmp/eider-never'`,
    `COPY notes FROM '/etc/passwd'`,
    'EXPLAIN SELECT name FROM eider.migrations',
    'EXPLAIN (ANALYZE, FORMAT json) SELECT name FROM eider.migrations',
    'EXPLAIN (VERBOSE) SELECT 1',
    'EXPLAIN EXPLAIN SELECT 1',
    'EXPLAIN ANALYZE DELETE FROM notes',
    'VACUUM',
    'CHECKPOINT',
    'PREPARE p AS SELECT 1',
    'CREATE TEMP TABLE t (a INTEGER)',
    'CREATE SCHEMA eider',
    'CREATE TABLE eider.mine (a INTEGER)',
    'DROP SCHEMA eider CASCADE',
    'DELETE FROM eider.migrations',
    'INSERT INTO notes (title) SELECT name FROM eider.migrations',
    'UPDATE notes SET title = (SELECT max(name) FROM eider.migrations)',
    'CREATE VIEW theirs AS SELECT * FROM eider.migrations',
    'CREATE TABLE theirs AS SELECT * FROM information_schema.tables',
    `INSERT INTO notes (title) VALUES (current_setting('search_path'))`,
    'DELETE FROM nothing_at_all',
  ],
} as const;

type Kind = keyof typeof statements;

const callers: readonly (readonly [name: string, headers: Record<string, string>, may: readonly Kind[]])[] = [
  ['administrator', bearer(tokens.ADMIN_TOKEN), ['read', 'rows', 'definition']],
  ['writer', bearer(tokens.API_TOKEN), ['read', 'rows']],
  ['reader', {}, ['read']],
  // Public reading is everybody's.
  ['cron', bearer(tokens.CRON_SECRET), ['read']],
];

export function requestsContract(deploy: Deploy): void {
  it('lets each role run its kinds of statements, and no other', async () => {
    const served = await serve(deploy(), { PUBLIC_READ: 'true' });
    expect(
      (await post(served, { query: 'CREATE TABLE notes (title TEXT PRIMARY KEY)' }, bearer(tokens.ADMIN_TOKEN))).status,
    ).toBe(200);
    const wrong: string[] = [];
    for (const [name, headers, may] of callers) {
      for (const kind of Object.keys(statements) as Kind[]) {
        const mayRun = may.includes(kind);
        for (const query of statements[kind]) {
          const response = await post(served, { query }, headers);
          const text = await response.text();
          const isRefused = [400, 403].includes(response.status);
          // It is refused, and not wrong, by who may not.
          const isRight = mayRun
            ? response.status === 200
            : isRefused && (kind === 'other' || text.includes('"42501"'));
          // A batch is refused whole.
          const batched = mayRun ? null : await post(served, { queries: [{ query: 'SELECT 1' }, { query }] }, headers);
          if (!isRight || batched?.status === 200) wrong.push(`${name}: ${query}: ${text}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('shows the plan of a SELECT, with its parameters, and beside what writes of nothing', async () => {
    const served = await serve(deploy());
    const explain = async (query: string, params: readonly unknown[] = []) => {
      const body = { query, params, arrayMode: true };
      const response = await post(served, body, { ...bearer(tokens.API_TOKEN), 'neon-raw-text-output': 'true' });
      expect(response.status, query).toBe(200);
      return (await response.json()) as { command: string; rows: (readonly string[])[] };
    };
    const query = 'SELECT a FROM (VALUES (1), (2)) AS v (a) WHERE a > $1';
    const plan = await explain(`EXPLAIN ${query}`, ['1']);
    expect(plan.command).toBe('EXPLAIN');
    expect(plan.rows.flat().join('\n')).toMatch(/FILTER|Filter/);
    for (const options of ['(FORMAT json)', '(ANALYZE, FORMAT json)', '(FORMAT json, ANALYZE)']) {
      const { rows } = await explain(`EXPLAIN ${options} ${query}`, ['1']);
      expect(JSON.parse(rows[0]?.at(-1) ?? ''), options).toBeTypeOf('object');
    }
    expect((await explain('EXPLAIN ANALYZE (SELECT 1)')).rows.flat().join('\n')).toMatch(/time/i);
    expect((await explain('EXPLAIN (SELECT 1)')).rows.length).toBeGreaterThan(0);
    const both = { queries: [{ query: 'EXPLAIN SELECT 1' }, { query: 'CREATE TABLE made (a INTEGER)' }] };
    expect((await post(served, both, bearer(tokens.ADMIN_TOKEN))).status).toBe(400);
  });

  it('takes the token as Bearer, as apikey and as a password, and says what is wrong with it in the words of who asks', async () => {
    const served = await serve(deploy());
    const query = { query: 'SELECT 1 AS one' };
    const string = served.as(tokens.API_TOKEN);
    for (const headers of [
      bearer(tokens.API_TOKEN),
      { apikey: tokens.API_TOKEN },
      { 'neon-connection-string': string },
    ]) {
      expect((await post(served, query, headers as Record<string, string>)).status).toBe(200);
    }
    const nobody = await post(served, query);
    expect(nobody.status).toBe(401);
    expect(nobody.headers.get('content-type')).toBe('application/problem+json');
    expect(await nobody.json()).toMatchObject({ type: problemType('unauthorized'), status: 401, code: '28P01' });
    for (const wrong of ['postgresql://a:wrong@h/d', 'postgresql://a@h/d', 'nonsense', 'postgresql://a:%zz@h/d']) {
      const response = await post(served, query, { 'neon-connection-string': wrong });
      expect(response.status, wrong).toBe(400);
      expect(await response.json()).toMatchObject({ code: '28P01', severity: 'ERROR' });
    }
  });

  it('answers plain JSON to curl, and a state to a bookmark', async () => {
    const served = await serve(deploy());
    const headers = { ...bearer(tokens.ADMIN_TOKEN), 'content-type': 'application/x-www-form-urlencoded' };
    const one = await post(served, { query: 'SELECT $1::int + 1 AS answer', params: [41] }, headers);
    expect(await one.json()).toMatchObject({ command: 'SELECT', rowCount: 1, rows: [{ answer: 42 }] });
    const query = `SELECT true AS yes, 1.5::numeric(5,2) AS exact, 12::bigint AS big, NULL AS nothing, $1::int[] AS list,
      '{"a": [1]}'::json AS doc, '2026-01-02 03:04:05.678+00'::timestamptz AS at_time`;
    const made = await post(served, { query, params: [[1, 2]] }, headers);
    expect(await made.json()).toMatchObject({
      rows: [
        {
          yes: true,
          exact: '1.50',
          big: '12',
          nothing: null,
          list: [1, 2],
          doc: { a: [1] },
          at_time: '2026-01-02 03:04:05.678+00',
        },
      ],
    });
    expect((await post(served, { query: 'CREATE TABLE notes (id INTEGER PRIMARY KEY)' }, headers)).status).toBe(200);
    const written = await post(served, { query: 'INSERT INTO notes VALUES ($1)', params: [1] }, headers);
    const bookmark = written.headers.get('db-bookmark') ?? '';
    expect(bookmark).toMatch(/^\d+$/);
    const read = await post(
      served,
      { query: 'SELECT count(*)::int AS n FROM notes' },
      { ...headers, 'db-bookmark': bookmark },
    );
    expect(await read.json()).toMatchObject({ rows: [{ n: 1 }] });
    const csv = await post(served, { query: 'SELECT id FROM notes' }, { ...headers, accept: 'text/csv' });
    expect(await csv.text()).toBe('id\r\n1\r\n');
    const batch = await post(served, { queries: [{ query: 'SELECT 1 AS a' }] }, { ...headers, accept: 'text/csv' });
    expect(batch.status).toBe(406);
    const files = ['text/csv', 'application/vnd.apache.parquet', 'application/vnd.apache.arrow.stream'];
    for (const [index, accept] of files.entries()) {
      const given = { query: 'INSERT INTO notes VALUES ($1)', params: [index + 2] };
      expect((await post(served, given, { ...headers, accept })).status).toBe(204);
      expect((await post(served, { query: 'DROP VIEW IF EXISTS seen' }, { ...headers, accept })).status).toBe(204);
    }
    const all = await post(served, { query: 'SELECT id FROM notes ORDER BY id', arrayMode: true }, headers);
    expect(await all.json()).toMatchObject({ rows: [[1], [2], [3], [4]] });
    expect((await post(served, { queries: [] }, headers)).status).toBe(200);
  });

  it('echoes the headers of a batch, and refuses those that mean nothing', async () => {
    const served = await serve(deploy());
    const given = {
      'neon-batch-isolation-level': 'ReadCommitted',
      'neon-batch-read-only': 'true',
      'neon-batch-deferrable': 'false',
    };
    const headers = { ...bearer(tokens.ADMIN_TOKEN), ...given };
    const response = await post(served, { queries: [{ query: 'SELECT 1 AS a' }] }, headers);
    expect(Object.fromEntries(Object.keys(given).map((name) => [name, response.headers.get(name)]))).toEqual(given);
    const wrong = await post(served, { queries: [] }, { ...headers, 'neon-batch-isolation-level': 'Chaos' });
    expect(wrong.status).toBe(400);
    const preflight = await fetch(`${served.url}/api/sql`, { method: 'OPTIONS' });
    expect([preflight.status, preflight.headers.get('allow')]).toEqual([204, 'POST']);
  });

  it('does a write once for an Idempotency-Key', async () => {
    const served = await serve(deploy());
    const headers = { ...bearer(tokens.ADMIN_TOKEN), 'idempotency-key': '"the key"' };
    await post(served, { query: 'CREATE TABLE notes (id INTEGER PRIMARY KEY)' }, bearer(tokens.ADMIN_TOKEN));
    const insert = { query: 'INSERT INTO notes SELECT count(*)::int FROM notes RETURNING id' };
    const first = await post(served, insert, headers);
    const second = await post(served, insert, headers);
    expect([first.headers.get('idempotent-replayed'), second.headers.get('idempotent-replayed')]).toEqual([
      null,
      'true',
    ]);
    expect(await second.json()).toEqual(await first.json());
    const other = await post(served, { query: 'INSERT INTO notes VALUES (7)' }, headers);
    expect(other.status).toBe(400);
    const count = await post(served, { query: 'SELECT count(*)::int AS n FROM notes' }, bearer(tokens.ADMIN_TOKEN));
    expect(await count.json()).toMatchObject({ rows: [{ n: 1 }] });
  });

  it('stops a statement that nobody waits for', async () => {
    const served = await serve(deploy());
    const sql = driver(served);
    await sql`CREATE TABLE notes (id BIGINT)`;
    const numbers = 'generate_series(1, 100000) AS a (x)';
    const slow = `INSERT INTO notes SELECT sum(a.x + b.x)::bigint FROM ${numbers}, ${numbers.replace('AS a', 'AS b')}`;
    const began = performance.now();
    const client = new AbortController();
    setTimeout(() => client.abort(), 300);
    await expect(
      fetch(`${served.url}/api/sql`, {
        method: 'POST',
        headers: bearer(tokens.ADMIN_TOKEN),
        body: JSON.stringify({ query: slow }),
        signal: client.signal,
      }),
    ).rejects.toThrow(/abort/);
    // The next write would wait for it.
    expect(await sql`INSERT INTO notes VALUES (1) RETURNING id`).toEqual([{ id: '1' }]);
    expect(await sql`SELECT count(*)::int AS n FROM notes`).toEqual([{ n: 1 }]);
    // It would take minutes.
    expect(performance.now() - began).toBeLessThan(25_000);
  });

  it('keeps transactions of two instances serializable', async () => {
    const deployment = deploy();
    const [one, two] = [await serve(deployment), await serve(deployment)];
    const sqls = [driver(one), driver(two)] as const;
    await sqls[0].transaction([
      sqls[0]`CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0))`,
      sqls[0]`CREATE TABLE journal (id INTEGER PRIMARY KEY, total INTEGER NOT NULL)`,
      sqls[0]`INSERT INTO accounts VALUES (1, 50), (2, 50)`,
    ]);
    // Each takes from one account what both have together allows, moves money, and notes the sum that it saw.
    const work = Array.from({ length: 16 }, async (_, index) => {
      const sql = sqls[index % 2]!;
      const [from, to] = index % 4 < 2 ? [1, 2] : [2, 1];
      const run = (): Promise<unknown> =>
        sql.transaction([
          sql`UPDATE accounts SET balance = balance - ${7} WHERE id = ${from} AND (SELECT sum(balance) FROM accounts) = ${'100'}::int`,
          sql`UPDATE accounts SET balance = balance + ${7} WHERE id = ${to}`,
          sql`INSERT INTO journal SELECT count(*)::int, (SELECT sum(balance)::int FROM accounts) FROM journal`,
        ]);
      return run().then(
        () => 'done',
        (error: { code?: string; message: string }) => error.code ?? error.message,
      );
    });
    const outcomes = await Promise.all(work);
    // What would make a balance negative is refused, and after many conflicts a client is told to come again.
    for (const outcome of outcomes) expect(outcome).toMatch(/^(?:done|23514|40001)$|HTTP status 503/);
    const done = outcomes.filter((outcome) => outcome === 'done').length;
    expect(done).toBeGreaterThan(0);
    expect(await sqls[1]`SELECT sum(balance)::int AS total FROM accounts`).toEqual([{ total: 100 }]);
    expect(
      await sqls[0]`SELECT count(*)::int AS n, min(total) AS least, max(total) AS most, max(id) AS last FROM journal`,
    ).toEqual([{ n: done, least: 100, most: 100, last: done - 1 }]);
  });

  it('tells what there is, with a tag that changes with definitions alone', async () => {
    const served = await serve(deploy(), { PUBLIC_READ: 'true' });
    const admin = driver(served);
    await admin`CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL UNIQUE, parent INTEGER REFERENCES notes (id), CHECK (id > 0))`;
    const read = (headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`${served.url}/api/catalog`, { headers });
    const first = await read(bearer(tokens.API_TOKEN));
    const catalog = (await first.json()) as { relations: { name: string }[] };
    expect(catalog).toMatchObject({ may: { read: true, writeRows: true, define: false } });
    expect(catalog.relations.find(({ name }) => name === 'notes')).toMatchObject({
      kind: 'table',
      path: 'notes',
      key: ['id'],
      unique: [{ columns: ['title'] }],
      checks: [{ columns: ['id'] }],
      references: [{ columns: ['parent'], target: { name: 'notes' } }],
    });
    expect(await (await read()).json()).toMatchObject({ may: { read: true, writeRows: false, define: false } });
    const tag = first.headers.get('etag') ?? '';
    await admin`INSERT INTO notes (id, title) VALUES (1, 'a')`;
    const again = await read({ ...bearer(tokens.API_TOKEN), 'if-none-match': tag });
    expect([again.status, await again.text()]).toEqual([304, '']);
    for (const definition of [
      'ALTER TABLE notes ADD COLUMN extra INTEGER',
      `COMMENT ON TABLE notes IS 'x'`,
      'CREATE VIEW seen AS SELECT 1 AS a',
    ]) {
      const before = (await read(bearer(tokens.API_TOKEN))).headers.get('etag') ?? '';
      await admin.query(definition);
      const after = await read({ ...bearer(tokens.API_TOKEN), 'if-none-match': before });
      expect([definition, after.status]).toEqual([definition, 200]);
    }
  });

  it('refuses what would be too large, and changes nothing', async () => {
    const sql = driver(await serve(deploy()));
    await sql`CREATE TABLE notes (id BIGINT PRIMARY KEY)`;
    const error: unknown =
      await sql`INSERT INTO notes SELECT x FROM generate_series(1, 10001) AS g (x) RETURNING id`.catch(
        (thrown: unknown) => thrown,
      );
    expect(String(error)).toMatch(/HTTP status 507/);
    const batch: unknown = await sql
      .transaction([sql`INSERT INTO notes VALUES (1)`, sql`SELECT x FROM generate_series(1, 1000000) AS g (x)`])
      .catch((thrown: unknown) => thrown);
    expect(String(batch)).toMatch(/HTTP status 507/);
    const ordered = await sql.transaction([
      sql`INSERT INTO notes VALUES (2), (3), (1)`,
      sql`SELECT id FROM notes ORDER BY id DESC`,
      sql`VALUES (1)`,
      sql`DELETE FROM notes`,
    ]);
    expect(ordered[1]).toEqual([{ id: '3' }, { id: '2' }, { id: '1' }]);
    expect(await sql`SELECT count(*)::int AS n FROM notes`).toEqual([{ n: 0 }]);
    const refused = await errorOf(sql.query('SELECT $1::int', []));
    expect(['08P01', '42P02']).toContain(refused.code);
  });
}
