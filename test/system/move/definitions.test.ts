/** What a database holds besides rows, between DuckDB and PostgreSQL: it means the same on the other side, or is named. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { translate } from '../../../lib/db/move/expressions.ts';
import { duckDbBackend, move, postgresBackend } from '../../support/ends.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

const references = `CREATE TABLE IF NOT EXISTS eider."references" (name VARCHAR, schema_name VARCHAR, table_name VARCHAR,
  columns VARCHAR[], target_schema VARCHAR, target_table VARCHAR, target_columns VARCHAR[])`;

const shop = `CREATE SCHEMA shop; CREATE TYPE mood AS ENUM ('glad', 'it''s'); CREATE SEQUENCE numbers START 5 INCREMENT 2 MAXVALUE 99 CYCLE;
  CREATE SEQUENCE shop."odd name"; SELECT nextval('numbers'); SELECT nextval('numbers');
  CREATE TABLE shop."Order" ("Nr" INTEGER DEFAULT nextval('numbers') PRIMARY KEY, state VARCHAR NOT NULL DEFAULT 'new'
      CHECK (state IN ('new', 'paid')), "user" VARCHAR CHECK (length("user") > 1), feeling mood DEFAULT 'glad', twice INTEGER AS ("Nr" * 2),
    price DECIMAL(10,2), made TIMESTAMPTZ DEFAULT now(), id UUID DEFAULT uuid(), half DOUBLE CHECK (half / 2 < 3), UNIQUE (state, price));
  INSERT INTO shop."Order" (price) VALUES (1.5), (2.5);
  CREATE TABLE line (a INTEGER, b DATE, "order" INTEGER, PRIMARY KEY (a, b));
  INSERT INTO line VALUES (1, '2026-01-01', 9), (2, '2026-01-01', NULL);
  CREATE UNIQUE INDEX one_user ON shop."Order"(lower("user")); CREATE INDEX by_order ON line("order");
  COMMENT ON TABLE line IS 'a line'; COMMENT ON COLUMN shop."Order".price IS 'in euros';
  CREATE VIEW paid AS SELECT "Nr", twice FROM shop."Order" WHERE state = 'paid'; CREATE VIEW few AS SELECT count(*) AS n FROM paid;
  CREATE VIEW regular AS SELECT state ~ 'a' AS x FROM shop."Order"; CREATE MACRO plus(a) AS a + 1; ${references};
  INSERT INTO eider."references" VALUES ('line_order_fkey', 'main', 'line', ['order'], 'shop', 'Order', ['Nr'])`;

describe('definitions', { timeout: 60_000 }, () => {
  it('go from DuckDB to PostgreSQL and back', async () => {
    const [from, between, to] = [await duckDbBackend(shop), await postgresBackend(server), await duckDbBackend()];
    const { leftBehind } = await move(from, between);
    expect(leftBehind.toSorted()).toEqual([
      'the check of shop.Order: ((half / 2) < 3)',
      'the macro plus',
      'the view regular',
    ]);
    expect(
      await between.run(
        `INSERT INTO shop."Order" (price) VALUES (7) RETURNING "Nr", state, twice, feeling, id IS NULL AS n`,
      ),
    ).toEqual([{ Nr: 13, state: 'new', twice: 26, feeling: 'glad', n: false }]);
    for (const refused of [
      `INSERT INTO shop."Order" (state) VALUES ('lost')`,
      `INSERT INTO shop."Order" ("user") VALUES ('x')`,
      `INSERT INTO line VALUES (3, '2026-01-01', 4)`,
      `INSERT INTO shop."Order" (price) VALUES (7)`,
      `INSERT INTO shop."Order" ("user", price) VALUES ('Ada', 8), ('ADA', 9)`,
    ]) {
      await expect(between.run(refused)).rejects.toThrow(/constraint/);
    }
    await between.run(`UPDATE shop."Order" SET state = 'paid' WHERE price = 7`);
    expect(await between.run('SELECT * FROM few')).toEqual([{ n: '1' }]);
    const [comments] = await between.run(
      `SELECT obj_description('line'::regclass) AS line, col_description('shop."Order"'::regclass, 6) AS price`,
    );
    expect(comments).toEqual({ line: 'a line', price: 'in euros' });

    const back = await move(between, to);
    expect(back.leftBehind).toEqual(['the index by_order', 'the index enrollments_course_id']);
    const definition = `SELECT replace(sql, ' COLLATE', '') FROM duckdb_tables() WHERE table_name IN ('Order', 'line') ORDER BY table_name`;
    const [[order = ''], line] = (await to.rows(definition)) as [string[], string[]];
    for (const part of [
      `Nr INTEGER DEFAULT(nextval('numbers'))`,
      'twice INTEGER GENERATED ALWAYS AS((Nr * 2))',
      'UNIQUE(state, price)',
      `CHECK((state IN (CAST('new' AS VARCHAR), CAST('paid' AS VARCHAR))))`,
    ]) {
      expect(order).toContain(part);
    }
    expect([line]).toEqual([(await from.rows(definition))[1]]);
    expect(
      await to.rows(
        `SELECT (SELECT regexp_extract(sql, 'START (\\d+)', 1) FROM duckdb_sequences() WHERE sequence_name = 'numbers'), "Nr", twice FROM shop."Order" WHERE price = 7`,
      ),
    ).toEqual([['25', '13', '26']]);
    const ofLine = `SELECT * FROM eider."references" WHERE table_name = 'line'`;
    expect(await to.rows(ofLine)).toEqual(await from.rows(ofLine));
    expect(await to.rows('SELECT * FROM few')).toEqual([['1']]);
    expect(await to.rows(`SELECT labels FROM duckdb_types() WHERE type_name = 'mood'`)).toEqual([
      [`['glad', 'it''s']`],
    ]);
  });

  it('go from PostgreSQL to DuckDB and back', async () => {
    const [from, between, to] = [await postgresBackend(server), await duckDbBackend(), await postgresBackend(server)];
    await from.run(`CREATE TABLE parent (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code varchar(5) UNIQUE,
        kind text NOT NULL DEFAULT 'a' CHECK (kind IN ('a', 'b')), up text GENERATED ALWAYS AS (upper(code)) STORED);
      CREATE TABLE child (id bigserial PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE, mate bigint REFERENCES child,
        odd text CHECK (odd ~ '^x'));
      INSERT INTO parent (code) VALUES ('c1'), ('c2'); INSERT INTO child (parent) VALUES (1), (2); UPDATE child SET mate = 2;
      CREATE VIEW pairs AS SELECT c.id, p.up FROM child c JOIN parent p ON p.id = c.parent WHERE c.id > 0`);
    const { leftBehind } = await move(from, between);
    expect(leftBehind.toSorted()).toEqual([
      `the ON DELETE action of child_parent_fkey`,
      `the check of child: (odd ~ '^x'::text)`,
      'the index enrollments_course_id',
    ]);
    expect(await between.rows('SELECT * FROM pairs ORDER BY id')).toEqual([
      ['1', 'C1'],
      ['2', 'C2'],
    ]);
    expect(
      await between.rows(
        'SELECT name, columns, target_table FROM eider."references" WHERE table_name = \'child\' ORDER BY 1',
      ),
    ).toEqual([
      ['child_mate_fkey', `['mate']`, 'child'],
      ['child_parent_fkey', `['parent']`, 'parent'],
    ]);
    await move(between, to);
    expect(await to.run(`INSERT INTO parent (code) VALUES ('c3') RETURNING id, kind, up`)).toEqual([
      { id: 3, kind: 'a', up: 'C3' },
    ]);
    expect(await to.run(`INSERT INTO child (parent) VALUES (3) RETURNING id`)).toEqual([{ id: '3' }]);
    await expect(to.run('INSERT INTO child (mate) VALUES (9)')).rejects.toThrow(/child_mate_fkey/);
    // Defined alike now: the tables stay, and get other rows and numbers.
    await between.engine.writeBulk((session) => session.execute(`INSERT INTO parent (code) VALUES ('c4'), ('c5')`));
    await move(between, to, { replace: true });
    expect(await to.run(`INSERT INTO parent (code) VALUES ('c6') RETURNING id, up`)).toEqual([{ id: 5, up: 'C6' }]);
    await expect(to.run('INSERT INTO child (mate) VALUES (9)')).rejects.toThrow(/child_mate_fkey/);
  });
});

describe('a move that is repeated', { timeout: 60_000 }, () => {
  const next = `SELECT nextval('numbers') AS n`;

  it('brings definitions and sequences that changed, from DuckDB', async () => {
    const [from, to] = [
      await duckDbBackend(`CREATE SEQUENCE numbers; CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR DEFAULT 'old')`),
      await postgresBackend(server),
    ];
    const change = (sql: string) => from.engine.writeBulk((session) => session.execute(sql));
    expect(await move(from, to)).toMatchObject({ outcome: 'moved' });
    expect(await move(from, to)).toMatchObject({ outcome: 'there-already' });
    await change(`SELECT nextval('numbers') FROM range(7)`);
    expect(await move(from, to)).toMatchObject({ outcome: 'moved' });
    expect(await to.run(next)).toEqual([{ n: '8' }]);
    await change(`ALTER TABLE t ALTER b SET DEFAULT 'new'; CREATE INDEX by_b ON t(b); COMMENT ON COLUMN t.b IS 'noted';
      CREATE VIEW v AS SELECT a FROM t`);
    expect(await move(from, to)).toMatchObject({ outcome: 'moved', leftBehind: [] });
    expect(await to.run(`INSERT INTO t VALUES (1) RETURNING b, col_description('t'::regclass, 2) AS note`)).toEqual([
      { b: 'new', note: 'noted' },
    ]);
    expect(await to.run(`SELECT (SELECT count(*) FROM v)::int AS n, to_regclass('by_b')::text AS i`)).toEqual([
      { n: 1, i: 'by_b' },
    ]);
  });

  it('brings definitions and sequences that changed, from PostgreSQL', async () => {
    const [from, to] = [await postgresBackend(server), await duckDbBackend()];
    await from.run(
      `CREATE SEQUENCE numbers; CREATE TABLE t (a int PRIMARY KEY, b text DEFAULT 'old'); INSERT INTO t VALUES (1)`,
    );
    expect(await move(from, to)).toMatchObject({ outcome: 'moved' });
    expect(await move(from, to)).toMatchObject({ outcome: 'there-already' });
    await from.run(`SELECT setval('numbers', 7)`);
    expect(await move(from, to)).toMatchObject({ outcome: 'moved' });
    await from.run(`ALTER TABLE t ALTER b SET DEFAULT 'new'`);
    expect(await move(from, to)).toMatchObject({ outcome: 'moved' });
    expect(await move(from, to)).toMatchObject({ outcome: 'there-already' });
    expect(
      await to.rows(`SELECT column_default FROM duckdb_columns() WHERE table_name = 't' AND column_name = 'b'`),
    ).toEqual([["CAST('new' AS VARCHAR)"]]);
    await to.engine.writeBulk(async (session) => {
      expect(String((await session.rows(next))[0]?.[0])).toBe('8');
    });
  });
});

describe('an expression', () => {
  const to = (engine: 'duckdb' | 'postgres') => (sql: string) =>
    translate(sql, { to: engine, current: 'public', names: ['Nr', 'x'] });

  it.each([
    [
      `((X ~~ 'a%') AND (x IN ('b', 'c')) AND (length(x) BETWEEN 1 AND 30))`,
      `(("x" ~~ 'a%') AND ("x" IN ('b', 'c')) AND (length("x") BETWEEN 1 AND 30))`,
    ],
    [`CAST((nr * 2) AS DOUBLE)`, `CAST(("Nr" * 2) AS double precision)`],
    [`nextval('main.numbers')`, `nextval('"public".numbers')`],
    ['(user = current_date)', '("user" = current_date)'],
    ['SELECT count_star() AS n FROM main.t', 'SELECT count(*) AS "n" FROM "public"."t"'],
    ['(x / 2)', null],
    [`regexp_full_match(x, 'a')`, null],
    ['main.list_value(1, 2)', null],
    ['main."now"()', null],
  ])('of DuckDB, %s', (sql, translated) => {
    expect(to('postgres')(sql)).toBe(translated);
  });

  it.each([
    [
      `((state)::text = ANY ((ARRAY['new'::character varying, 'it''s ]'::character varying])::text[]))`,
      `(("state")::text IN ('new'::character varying, 'it''s ]'::character varying))`,
    ],
    ['(x <> ALL (ARRAY[1, 2]))', '("x" NOT IN (1, 2))'],
    [`nextval('public."S q"'::regclass)`, `nextval('"main"."S q"')`],
    [`'{}'::jsonb`, `'{}'::json`],
    [`(qualify > 1) -- a comment`, `("qualify" > 1)`],
    [`(x ~ '^a')`, null],
    ['(x / 2)', null],
    [`to_char(x, 'YYYY')`, null],
    ['now', '"now"'],
  ])('of PostgreSQL, %s', (sql, translated) => {
    expect(to('duckdb')(sql)).toBe(translated);
  });
});
