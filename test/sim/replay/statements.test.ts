/** Statements of every kind, each replayed on a second database and compared with it. */
import { describe, expect, it } from 'vitest';
import { openCaptured } from '../../support/captured.ts';

const books =
  'CREATE TABLE books (id INTEGER PRIMARY KEY, title VARCHAR, price DOUBLE DEFAULT 1, shelf INTEGER UNIQUE)';
const some = `INSERT INTO books VALUES (1, 'a', 1, 10), (2, 'b', 2, 20), (3, NULL, '-0', 30)`;
const offers = 'CREATE TABLE offers (book INTEGER, price DOUBLE)';
const prices = 'INSERT INTO offers VALUES (1, 5), (1, 6), (2, 7), (9, 9)';

describe('rows of a table with a key', () => {
  it.each([
    `INSERT INTO books (id, title) VALUES (4, 'd'), (5, 'e') RETURNING title, id + 1 AS next`,
    `INSERT INTO books BY NAME SELECT 'x' AS title, 7 AS id`,
    `INSERT INTO books SELECT book + 100, 'o', price, book FROM offers WHERE book > 1`,
    `INSERT INTO books (id) VALUES (8)`,
    `INSERT OR IGNORE INTO books (id, shelf) VALUES (1, 5), (6, 6)`,
    `INSERT INTO books (id, shelf) VALUES (1, 5), (6, 10), (7, 7) ON CONFLICT DO NOTHING RETURNING id`,
    `INSERT INTO books (id, title) VALUES (1, 'new'), (6, 'f') ON CONFLICT (id) DO UPDATE SET title = excluded.title RETURNING *`,
    `INSERT INTO books AS b (id, shelf) VALUES (77, 10) ON CONFLICT (shelf) DO UPDATE SET id = excluded.id, title = b.title || '!'`,
    `UPDATE books SET price = price + 1 WHERE id < 3 RETURNING id AS returning, price`,
    `UPDATE books AS b SET price = o.price FROM offers AS o WHERE o.book = b.id`,
    `UPDATE books SET id = 4 - id`,
    `UPDATE books SET id = id + 100 WHERE id > 1 RETURNING id`,
    `UPDATE books SET (title, id) = ('z', 50) WHERE id = 1`,
    `UPDATE books SET "ID" = 9 WHERE id = 2`,
    `UPDATE books SET title = CASE WHEN title IS DISTINCT FROM 'a' THEN 'q' ELSE 'r' END, id = 40 WHERE id = 3`,
    `UPDATE books SET price = DEFAULT`,
    `DELETE FROM books WHERE id = 2 RETURNING *`,
    `DELETE FROM books AS b USING offers AS o WHERE o.book = b.id RETURNING b.title`,
    `DELETE FROM books`,
    `TRUNCATE books`,
    `TRUNCATE TABLE main.books`,
    `WITH w AS (SELECT 2 AS id), "insert" (x) AS MATERIALIZED (SELECT 1) DELETE FROM books USING w WHERE w.id = books.id`,
    `WITH insert AS (SELECT 5 AS id) INSERT INTO books (id) SELECT id FROM insert RETURNING id AS returning`,
    `MERGE INTO books AS b USING (FROM offers WHERE price > 5) AS o ON o.book = b.id WHEN MATCHED THEN UPDATE SET price = o.price WHEN NOT MATCHED THEN INSERT (id, price) VALUES (o.book, o.price)`,
    `MERGE INTO books USING (VALUES (1, 'n'), (2, 'm'), (5, 'p')) AS o(id, title) USING (id) WHEN MATCHED AND o.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET title = o.title WHEN NOT MATCHED THEN INSERT (id, title) VALUES (o.id, o.title) WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING merge_action, id`,
    `MERGE INTO books USING (SELECT 2 AS old, 22 AS new) AS o ON old = id WHEN MATCHED THEN UPDATE SET id = new RETURNING *`,
    `INSERT OR REPLACE INTO main.offers VALUES (1, 1)`,
    `insert into BOOKS (ID) values (12); -- and no more`,
    `/* first */ UPDATE "Books" SET title = 'x; y' /* RETURNING */ WHERE title = 'a' -- RETURNING`,
    `INSERT INTO books (id, title) VALUES (13, $$it's RETURNING$$)`,
  ])('%s', async (statement) => {
    const captured = await openCaptured(books, some, offers, prices);
    await captured.run(statement).catch((error: unknown) => {
      if (!statement.startsWith('INSERT OR REPLACE')) throw error;
    });
    expect(captured.changes).not.toEqual([]);
  });

  it('answers what the statement asked for', async () => {
    const { run } = await openCaptured(books, some);
    expect(
      await run(['INSERT INTO books (id, title) VALUES ($1, $2) RETURNING title, id * 2 AS twice', 4, 'd']),
    ).toEqual({
      command: 'INSERT',
      columns: [
        { name: 'title', type: 'VARCHAR' },
        { name: 'twice', type: 'INTEGER' },
      ],
      rows: [['d', 8]],
      rowCount: 1,
    });
    expect(await run(`UPDATE books SET title = 'u' WHERE id > 2`)).toMatchObject({
      command: 'UPDATE',
      rows: [],
      rowCount: 2,
    });
    expect(await run('DELETE FROM books WHERE id = 4 RETURNING *')).toMatchObject({ rows: [[4, 'u', 1, null]] });
    expect(await run('TRUNCATE books')).toMatchObject({ command: 'TRUNCATE', rowCount: 3 });
    expect(await run('SELECT 1 AS a, 2 AS a')).toMatchObject({ command: 'SELECT', rows: [[1, 2]], rowCount: 1 });
    expect(await run('CREATE TABLE t (a INTEGER)')).toEqual({
      command: 'CREATE',
      columns: [],
      rows: [],
      rowCount: null,
    });
  });

  it('tells statements apart that run at the same time', async () => {
    const { write, replica } = await openCaptured(books, some);
    await write((run) =>
      Promise.all([
        run('UPDATE books SET id = id + 10'),
        run('INSERT INTO books (id) VALUES (5)'),
        run('UPDATE books SET id = id + 10 WHERE id < 12'),
        run('DELETE FROM books WHERE id = 22'),
      ]),
    );
    expect(await replica.rows('SELECT id FROM books ORDER BY id')).toEqual([[12], [13], [15], [21]]);
  });

  it('keeps the oldest format of records that will do', async () => {
    const captured = await openCaptured(books);
    await captured.run(some);
    expect(captured.record).toMatchObject({ format: 1, changes: [{ table: 'books', fresh: true }] });
    await captured.run('CREATE TABLE log (line VARCHAR)', `INSERT INTO log VALUES ('x')`);
    expect(captured.record).toMatchObject({
      format: 2,
      changes: [{ ddl: expect.any(String) as string }, { table: 'log', add: [{ line: 'x' }] }],
    });
  });
});

describe('rows of a table without a key', () => {
  const log = 'CREATE TABLE log (span INTERVAL, size DOUBLE, line VARCHAR, tags VARCHAR[], twice DOUBLE AS (size * 2))';
  const lines = `INSERT INTO log (span, size, line, tags) VALUES ('1 month', 0, 'a', ['x, y']), ('30 days', '-0', 'a', ['x', 'y']), ('1 month', 'nan', NULL, NULL),
    ('1 month', 0, 'a', ['x, y']), ('1 month', 'nan', NULL, NULL), ('1 month', 0, 'a', ['x, y'])`;
  it.each([
    `INSERT INTO log (size) VALUES (1), (1)`,
    `DELETE FROM log WHERE size = 0`,
    `DELETE FROM log WHERE rowid IN (0, 1)`,
    `DELETE FROM log USING (VALUES (0), (0)) AS v(s) WHERE v.s = size`,
    `UPDATE log SET line = 'b' WHERE rowid IN (0, 3)`,
    `UPDATE log SET size = -size WHERE size = 0`,
    `UPDATE log SET line = v.s FROM (VALUES ('p'), ('q')) AS v(s) WHERE size = 0`,
    `UPDATE log SET span = span`,
    `MERGE INTO log USING (VALUES (0, 'n'), (8, 'm')) AS o(s, l) ON s = size WHEN MATCHED THEN UPDATE SET line = l WHEN NOT MATCHED THEN INSERT (size, line) VALUES (s, l) RETURNING merge_action`,
    `MERGE INTO log USING (VALUES (0)) AS o(s) ON s = size WHEN MATCHED THEN DELETE`,
    `TRUNCATE log`,
  ])('%s', async (statement) => {
    const { run } = await openCaptured(log, lines);
    expect(await run(statement)).toBeDefined();
    expect(await run(statement)).toBeDefined();
  });

  it('keeps their order within a commit', async () => {
    const { run, replica } = await openCaptured('CREATE TABLE t (a INTEGER, b INTEGER UNIQUE)');
    await run(
      'INSERT INTO t VALUES (1, 1)',
      'DELETE FROM t',
      'INSERT INTO t VALUES (1, 1), (2, 2)',
      'UPDATE t SET a = 3 WHERE b = 1',
      'DELETE FROM t WHERE b = 2',
    );
    await run('INSERT INTO t VALUES (5, 1) ON CONFLICT (b) DO UPDATE SET a = 9');
    expect(await replica.rows('FROM t')).toEqual([[9, 1]]);
  });

  it.each([
    [
      'a number with a fraction',
      'id DOUBLE PRIMARY KEY, v INTEGER',
      `(0, 1), (1, 2)`,
      `UPDATE t SET id = '-0' WHERE id = 0`,
    ],
    [
      'a collated text',
      'id VARCHAR COLLATE NOCASE PRIMARY KEY, v INTEGER',
      `('a', 1), ('A', 2)`,
      `DELETE FROM t WHERE v = 1`,
    ],
  ])('so is one whose key is %s', async (_, columns, rows, statement) => {
    const captured = await openCaptured(`CREATE TABLE t (${columns})`, `INSERT INTO t VALUES ${rows}`);
    await captured.run(statement);
    expect(captured.record.format).toBe(2);
  });
});

describe('definitions', () => {
  it.each<[string, string[]]>([
    [
      'a schema with everything',
      [
        `CREATE SCHEMA "my shop"`,
        `CREATE TABLE "my shop"."a b" (id INTEGER PRIMARY KEY)`,
        `INSERT INTO "my shop"."A B" VALUES (1)`,
        `CREATE VIEW "my shop".v AS FROM "my shop"."a b"`,
        `DROP SCHEMA "my shop" CASCADE`,
      ],
    ],
    [
      'a table of a query',
      [
        `CREATE TABLE c AS SELECT now() AS made, random() AS r, 'x'::ENUM('x', 'y') AS e, [1] AS l FROM range(3)`,
        `UPDATE c SET r = 2`,
      ],
    ],
    [
      'a table of a query with a parameter, in place of another',
      [`CREATE OR REPLACE TABLE offers AS SELECT uuid() AS id, 5 AS n`],
    ],
    ['a table of a query that is there', [`CREATE TABLE IF NOT EXISTS offers AS SELECT 1 AS x`]],
    ['a table that is there', [`CREATE TABLE IF NOT EXISTS books (x INTEGER)`, `DROP TABLE IF EXISTS nothing`]],
    [
      'columns that come, change and go',
      [
        `ALTER TABLE books ADD COLUMN n INTEGER DEFAULT 5`,
        `ALTER TABLE books ALTER n TYPE BIGINT USING n + length(title)`,
        `ALTER TABLE books RENAME n TO m`,
        `ALTER TABLE books ALTER m SET DEFAULT 9`,
        `ALTER TABLE books DROP COLUMN m`,
      ],
    ],
    [
      'columns filled by time and chance',
      [
        `ALTER TABLE books ADD COLUMN made TIMESTAMP DEFAULT now()`,
        `ALTER TABLE books ADD COLUMN IF NOT EXISTS u UUID DEFAULT uuid()`,
        `ALTER TABLE books ADD COLUMN IF NOT EXISTS u UUID DEFAULT uuid()`,
        `ALTER TABLE offers ADD u UUID DEFAULT uuid()`,
        `INSERT INTO books (id) VALUES (70)`,
      ],
    ],
    [
      'a column filled by a function that is always the same',
      [`ALTER TABLE offers ADD COLUMN t VARCHAR DEFAULT upper('x')`],
    ],
    [
      'a column filled from a sequence',
      [
        'CREATE SEQUENCE s START 7',
        `ALTER TABLE offers ADD COLUMN n BIGINT DEFAULT nextval('s')`,
        'INSERT INTO offers (book) VALUES (3)',
      ],
    ],
    [
      'views, macros and indexes',
      [
        `CREATE VIEW cheap AS SELECT * FROM books WHERE price < 2`,
        `CREATE MACRO plus(a, b := 3) AS a + b`,
        `CREATE MACRO top(n) AS TABLE FROM books LIMIT n`,
        `CREATE OR REPLACE FUNCTION plus(a) AS a + 1`,
        `CREATE INDEX i ON books (title)`,
        `CREATE UNIQUE INDEX IF NOT EXISTS j ON main.offers (price)`,
        `DROP INDEX i`,
        `DROP MACRO plus`,
        `DROP MACRO TABLE top`,
        `DROP VIEW cheap`,
      ],
    ],
    [
      'types',
      [
        `CREATE TYPE mood AS ENUM ('sad', 'it''s')`,
        `CREATE TYPE title AS ENUM (SELECT DISTINCT title FROM books WHERE title IS NOT NULL ORDER BY title DESC)`,
        `CREATE TYPE pair AS STRUCT(a INTEGER, b mood)`,
        `CREATE TABLE t (a mood, b pair, c title)`,
        `INSERT INTO t VALUES ('sad', {a: 1, b: 'it''s'}, 'b')`,
        `DROP TYPE pair`,
      ],
    ],
    [
      'comments',
      [
        `COMMENT ON TABLE books IS 'all of them'`,
        `COMMENT ON COLUMN main.books.title IS 'it''s'`,
        `COMMENT ON VIEW v IS NULL`,
      ],
    ],
    [
      'a table that goes and comes',
      [`DROP TABLE books`, books, some, `ALTER TABLE books RENAME TO tomes`, `INSERT INTO tomes (id) VALUES (9)`],
    ],
    [
      'a key that comes later',
      [
        `ALTER TABLE offers ADD COLUMN id INTEGER`,
        `DELETE FROM offers`,
        `ALTER TABLE offers ADD PRIMARY KEY (book)`,
        `INSERT INTO offers (book) VALUES (4)`,
        `UPDATE offers SET price = 3`,
      ],
    ],
    [
      'references',
      [
        `CREATE TABLE loans (id INTEGER PRIMARY KEY, book INTEGER REFERENCES books (id), next INTEGER REFERENCES loans)`,
        `INSERT INTO loans VALUES (1, 1, 2), (2, NULL, 1)`,
        `DELETE FROM offers WHERE book = 9`,
        `ALTER TABLE offers ADD CONSTRAINT of_book FOREIGN KEY (book) REFERENCES books (id)`,
        `ALTER TABLE books RENAME id TO number`,
        `ALTER TABLE loans DROP CONSTRAINT loans_book_fkey`,
        `DROP TABLE books CASCADE`,
      ],
    ],
    [
      'a table of an index that goes with CASCADE',
      [`CREATE TABLE t (id INTEGER)`, `CREATE INDEX i ON t (id)`, `DROP TABLE t CASCADE`],
    ],
  ])('%s', async (_, statements) => {
    const captured = await openCaptured(books, some, offers, prices, 'CREATE VIEW v AS SELECT 1 AS one');
    for (const statement of statements) expect(await captured.run(statement)).toMatchObject({ rows: [] });
  });

  it.each<[string, string[]]>([
    [
      'a schema',
      [
        'CREATE SCHEMA s',
        'CREATE SEQUENCE s.n',
        `CREATE TABLE s.t (id BIGINT DEFAULT nextval('s.n') PRIMARY KEY, a INTEGER)`,
        'INSERT INTO s.t (a) VALUES (1), (2)',
        'ALTER TABLE s.t ADD COLUMN b INTEGER DEFAULT 3',
        'UPDATE s.t SET b = id',
        'CREATE TABLE s.u AS FROM s.t',
      ],
    ],
    [
      'two columns that are filled',
      [
        'ALTER TABLE books ADD COLUMN a TIMESTAMP DEFAULT now()',
        'ALTER TABLE books ADD COLUMN b UUID DEFAULT uuid()',
        'UPDATE books SET price = 2',
      ],
    ],
    [
      'a table in place of one whose rows changed',
      [
        'UPDATE books SET price = 3',
        'CREATE OR REPLACE TABLE books (a INTEGER)',
        'ALTER TABLE books ADD COLUMN b INTEGER',
        'INSERT INTO books VALUES (1, 2)',
      ],
    ],
  ])('%s in one transaction', async (_, statements) => {
    const captured = await openCaptured(books, some);
    expect(await captured.run(...statements)).toMatchObject({ rows: [] });
  });

  it('that change nothing are not captured', async () => {
    const captured = await openCaptured(books);
    await captured.run(
      'CREATE TABLE IF NOT EXISTS Books (a INTEGER)',
      'DROP VIEW IF EXISTS nothing',
      'CREATE SCHEMA IF NOT EXISTS main',
      'ALTER TABLE IF EXISTS nothing ADD COLUMN a INTEGER',
    );
    expect(captured.changes).toEqual([]);
  });

  it('cannot follow changes of rows that DuckDB would not commit them with', async () => {
    const { run } = await openCaptured(books, some);
    const changes = [
      'UPDATE books SET price = 3',
      'DELETE FROM books WHERE id = 1',
      `INSERT INTO books (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET price = 4`,
    ];
    for (const ddl of [
      'ALTER TABLE books ADD COLUMN n INTEGER',
      'ALTER TABLE "BOOKS" RENAME TO b',
      'CREATE UNIQUE INDEX u ON books (title)',
    ]) {
      for (const change of changes)
        await expect(run(change, ddl)).rejects.toMatchObject({ kind: 'invalid', sqlState: '55006' });
      const comment = `COMMENT ON TABLE books IS 'changed'`;
      await expect(run(changes[0]!, comment, ddl)).rejects.toMatchObject({ kind: 'invalid', sqlState: '55006' });
    }
    await run(
      'INSERT INTO books (id) VALUES (50)',
      'ALTER TABLE books ADD COLUMN n INTEGER',
      'INSERT INTO books (id) VALUES (51)',
    );
  });

  it.each([
    ['CREATE UNIQUE INDEX u ON t (a)', '(1, 1), (1, 2)', '23505'],
    ['CREATE UNIQUE INDEX "u(" ON "T" (abs(a), (b % 2))', '(1, 1), (-1, 3)', '23505'],
    ['ALTER TABLE t ADD PRIMARY KEY (a)', '(1, 1), (1, 2)', '23505'],
    ['ALTER TABLE t ADD PRIMARY KEY (a)', '(NULL, 1)', '23502'],
  ])('hold rows of their own transaction against %s: %s', async (ddl, rows, sqlState) => {
    const { run, writer } = await openCaptured('CREATE TABLE t (a INTEGER, b INTEGER)', 'INSERT INTO t VALUES (9, 9)');
    const insert = `INSERT INTO t VALUES ${rows}`;
    await expect(run(insert, ddl)).rejects.toMatchObject({ sqlState });
    await expect(run('INSERT INTO t VALUES (1, 1)', ddl, insert)).rejects.toMatchObject({ sqlState });
    await expect(
      run(`CREATE OR REPLACE TABLE t AS SELECT * FROM (VALUES ${rows}) v (a, b)`, ddl),
    ).rejects.toMatchObject({
      sqlState,
    });
    expect(await writer.rows('FROM t')).toEqual([[9, 9]]);
    await run('INSERT INTO t VALUES (2, 2), (3, 3)', ddl, 'INSERT INTO t VALUES (4, 4)');
  });
});

describe('what tables use', () => {
  it.each([
    ['DROP SEQUENCE n', ['CREATE SEQUENCE n', `CREATE TABLE t (a BIGINT DEFAULT nextval('n'))`]],
    ['DROP SEQUENCE n CASCADE', ['CREATE SEQUENCE n', `CREATE TABLE t (a BIGINT DEFAULT nextval('"main"."N"') + 1)`]],
    [
      'CREATE OR REPLACE SEQUENCE n START 5',
      ['CREATE SEQUENCE n', `CREATE TABLE t (a BIGINT DEFAULT nextval('main.n'))`],
    ],
    [`DROP SEQUENCE "it's"`, [`CREATE SEQUENCE "it's"`, `CREATE TABLE t (a BIGINT DEFAULT nextval('it''s'))`]],
    ['DROP MACRO more CASCADE', ['CREATE MACRO more(x) AS x + 1', 'CREATE TABLE t (a INTEGER CHECK (more(a) > 0))']],
    ['DROP FUNCTION more', ['CREATE MACRO more(x) AS x + 1', 'CREATE TABLE t (a INTEGER, b INTEGER AS (more(a)))']],
    [
      'CREATE OR REPLACE MACRO more(x) AS x + 2',
      [
        'CREATE MACRO more(x) AS x + 1',
        'CREATE MACRO Most(x) AS more(x)',
        'CREATE TABLE t (a INTEGER DEFAULT most(1))',
      ],
    ],
    [
      'DROP SEQUENCE n',
      ['CREATE SEQUENCE n', `CREATE MACRO next() AS nextval('n')`, 'CREATE TABLE t (a BIGINT DEFAULT next())'],
    ],
    [
      'DROP SCHEMA s CASCADE',
      ['CREATE SCHEMA s', 'CREATE SEQUENCE s.n', `CREATE TABLE t (a BIGINT DEFAULT nextval('s.n'))`],
    ],
    [
      'DROP SCHEMA s CASCADE',
      ['CREATE SCHEMA s', 'CREATE MACRO s.more(x) AS x', 'CREATE TABLE t (a INTEGER DEFAULT s.more(1))'],
    ],
  ])('is not dropped or replaced by %s: %j', async (statement, made) => {
    const { run } = await openCaptured(...made);
    await expect(run(statement)).rejects.toMatchObject({ kind: 'conflict', sqlState: '2BP01' });
    await run('DROP TABLE t', statement);
  });

  it('is that alone', async () => {
    const { run } = await openCaptured(
      'CREATE SCHEMA s',
      'CREATE SEQUENCE s.n',
      'CREATE SEQUENCE n',
      'CREATE MACRO more(x) AS x',
      `CREATE TABLE s.t (a BIGINT DEFAULT nextval('s.n'))`,
      `CREATE TABLE t (a VARCHAR DEFAULT 'n', more INTEGER, b VARCHAR DEFAULT 'it''s "n')`,
    );
    expect(await run('DROP SEQUENCE n', 'DROP MACRO more', 'DROP SCHEMA s CASCADE')).toMatchObject({ rows: [] });
  });
});

describe('schemas', () => {
  it.each([
    'CREATE TABLE s.t (a INTEGER)',
    'CREATE VIEW s.v AS SELECT 1',
    'CREATE SEQUENCE s.q',
    `CREATE TYPE s.e AS ENUM ('a')`,
    'CREATE MACRO s.m() AS 1',
  ])('are not dropped with %s in them', async (create) => {
    const { run, writer } = await openCaptured('CREATE SCHEMA s', create);
    // DuckDB 1.5 drops them both then.
    if (create.includes('TABLE')) await run('ALTER TABLE s.t ADD COLUMN b INTEGER');
    await expect(run('DROP SCHEMA S')).rejects.toMatchObject({ kind: 'conflict', sqlState: '2BP01' });
    await run('DROP SCHEMA s CASCADE');
    expect(await writer.rows(`SELECT 1 FROM duckdb_schemas() WHERE schema_name = 's'`)).toEqual([]);
    await run('CREATE SCHEMA s');
    await run('DROP SCHEMA s');
  });
});

describe('sequences', () => {
  const numbered = [`CREATE SEQUENCE n`, `CREATE TABLE t (id BIGINT DEFAULT nextval('n') PRIMARY KEY, a INTEGER)`];

  it('move on with the rows that took their numbers', async () => {
    const captured = await openCaptured(...numbered);
    await captured.run('INSERT INTO t (a) VALUES (1), (2)', 'INSERT INTO t (a) SELECT range FROM range(100)');
    expect(captured.changes.at(-1)).toEqual({ sequence: 'n', next: '103' });
    await captured.run('UPDATE t SET a = 0');
    expect(captured.changes).toHaveLength(1);
    await captured.run(`SELECT nextval('n')`);
    expect(captured.changes).toEqual([{ sequence: 'n', next: '104' }]);
    await captured.run('SELECT 1');
    expect(captured.changes).toEqual([]);
  });

  it('tell with the next commit what a failed one took', async () => {
    const captured = await openCaptured(...numbered, 'INSERT INTO t (a) VALUES (1)');
    await expect(captured.run(`INSERT INTO t (a) VALUES (2)`, 'INSERT INTO t VALUES (1, 1)')).rejects.toMatchObject({
      sqlState: '23505',
    });
    await captured.run('UPDATE t SET a = 5');
    expect(captured.changes.at(-1)).toEqual({ sequence: 'n', next: '3' });
  });

  it.each([
    'CREATE SEQUENCE m INCREMENT 3 START 5 MAXVALUE 20 CYCLE',
    'CREATE SEQUENCE m INCREMENT -2 MINVALUE -9 MAXVALUE 4 START 2 CYCLE',
    'CREATE SEQUENCE m MINVALUE 5 MAXVALUE 1000000 START 8',
  ])('%s', async (sequence) => {
    const { run, writer, replica } = await openCaptured(sequence);
    for (let count = 1; count < 12; count++) {
      await run(`SELECT max(nextval('m')) FROM range(${count % 5})`);
      await run(`SELECT nextval('m')`);
    }
    expect(await replica.rows(`SELECT nextval('m')`)).toEqual(await writer.rows(`SELECT nextval('m')`));
  });

  it('never go back', async () => {
    const { run, replica } = await openCaptured('CREATE SEQUENCE n');
    await run(`SELECT nextval('n')`);
    await replica.rows(`SELECT max(nextval('n')) FROM range(10)`);
    await expect(run(`SELECT nextval('n')`)).rejects.toThrow(/deeply equal/);
    expect(await replica.rows(`SELECT nextval('n')`)).toEqual([[12n]]);
  });
});

describe('what cannot be captured', () => {
  it.each([
    "COPY books TO '/tmp/never'",
    `COPY books FROM '/tmp/never'`,
    `ATTACH ':memory:' AS other`,
    'SET threads = 4',
    'PRAGMA threads = 4',
    'COMMIT',
    'ROLLBACK',
    'BEGIN',
    'USE main',
    'RESET threads',
    'INSTALL json',
    'LOAD json',
    'CALL pragma_version()',
    'CHECKPOINT',
    'VACUUM',
    'EXPLAIN ANALYZE INSERT INTO books VALUES (5)',
    'EXPLAIN (ANALYZE) DELETE FROM books',
    'PREPARE p AS DELETE FROM books',
    'EXECUTE p',
    `EXPORT DATABASE '/tmp/never'`,
    `IMPORT DATABASE '/tmp/never'`,
    'CREATE TEMP TABLE t (a INTEGER)',
    'CREATE TABLE temp.t (a INTEGER)',
    'CREATE TEMPORARY VIEW v AS SELECT 1',
    'CREATE TEMP MACRO m() AS 1',
    'CREATE SECRET s (TYPE http)',
    'CREATE OR REPLACE PERSISTENT SECRET s (TYPE http)',
    'DROP SECRET s',
    'CREATE TABLE memory.main.t (a INTEGER)',
    'CREATE TABLE memory.t (a INTEGER)',
    'INSERT INTO memory.books (id) VALUES (7)',
    'CREATE SCHEMA memory.s',
    'CREATE TABLE eider.t (a INTEGER)',
    'DELETE FROM eider."references"',
    'DELETE FROM "EIDER"."REFERENCES"',
    'DROP SCHEMA eider CASCADE',
    'CREATE SCHEMA eider',
    'DROP TABLE eider."references"',
    'CREATE INDEX i ON eider."references" (name)',
    `COMMENT ON COLUMN eider."references".name IS 'x'`,
    'DELETE FROM information_schema.tables',
    'INSERT INTO pg_catalog.pg_class SELECT 1',
    'DELETE FROM v',
    'INSERT INTO v VALUES (1)',
    'CREATE TABLE t (a VARIANT)',
    'CREATE TABLE t AS SELECT 1::VARIANT AS a',
    'ALTER TABLE books ADD COLUMN a VARIANT',
    'CREATE TABLE t (a INTEGER, rowid INTEGER)',
    'ALTER TABLE books ALTER price TYPE DOUBLE USING random()',
    'ALTER TABLE books ALTER price TYPE DOUBLE USING chance()',
    `CREATE VIEW f AS FROM '/etc/passwd.csv'`,
    `CREATE VIEW f AS SELECT * FROM books, "a.parquet"`,
    `CREATE VIEW f AS FROM read_csv('/x')`,
    `CREATE MACRO f() AS TABLE SELECT * FROM glob('*')`,
    'DELETE FROM books; DROP TABLE books',
    'DELETE FROM books -- c\rWHERE id = 1; DROP TABLE books',
    '',
    ' -- nothing',
    ';',
    "DELETE FROM books WHERE title = '",
    'DELETE FROM books\0WHERE false',
    'nonsense',
    'DELETE FROM',
    'UPDATE',
    'INSERT INTO',
    'MERGE INTO',
    'TRUNCATE books, v',
    'TRUNCATE books CASCADE',
    'WITH a AS (SELECT 1)',
    'WITH a AS (INSERT INTO books (id) VALUES (5) RETURNING *) SELECT * FROM a',
    'PIVOT books ON title USING count(*)',
    'INSERT INTO books (id) VALUES (5) RETURNING id RETURNING title',
  ])('%s', async (statement) => {
    const captured = await openCaptured(
      books,
      some,
      'CREATE VIEW v AS SELECT 1 AS one',
      'CREATE MACRO chance() AS random()',
    );
    await expect(captured.run(statement)).rejects.toMatchObject({
      kind: expect.stringMatching(/^(invalid|not-found)$/) as string,
      sqlState: expect.stringMatching(/^\w{5}$/) as string,
    });
    await captured.run('INSERT INTO books (id) VALUES (99)');
  });

  it('a DDL statement with parameters', async () => {
    const { run } = await openCaptured(books);
    await expect(run(['ALTER TABLE books ADD COLUMN a INTEGER DEFAULT $1', 5])).rejects.toMatchObject({
      kind: 'invalid',
    });
    await run(['CREATE TABLE t AS SELECT $1::INTEGER AS a', 5]);
  });
});
