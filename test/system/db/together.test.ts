/** Requests that arrive together run as one statement, and each is answered as if it had been alone. */
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { findRelation } from '../../../lib/catalog/catalog.ts';
import type { Database } from '../../../lib/db/database.ts';
import { openPostgresDatabase } from '../../../lib/db/postgres/postgres-database.ts';
import { type Command, executeOnly, setNameOf } from '../../../lib/rows/commands.ts';
import { findRow, type Key } from '../../../lib/rows/key.ts';
import { rowVersion } from '../../../lib/rows/version.ts';
import { systemRuntime } from '../../../lib/runtime.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { Session } from '../../../lib/sync/sql.ts';
import type { PlainValue, Row } from '../../../lib/values.ts';
import { openDatabase } from '../../support/engine.ts';
import { manyTypes } from '../../support/many-types.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

const books = `CREATE TABLE books (id INTEGER PRIMARY KEY, title VARCHAR NOT NULL, isbn VARCHAR UNIQUE, pages INTEGER CHECK (pages > 0),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now());
  CREATE TABLE parts (book INTEGER REFERENCES books, no INTEGER, text VARCHAR, PRIMARY KEY (book, no));
  CREATE TABLE nicks (nick VARCHAR COLLATE NOCASE PRIMARY KEY, n INTEGER);
  CREATE SEQUENCE ids; CREATE TABLE notes (id BIGINT PRIMARY KEY DEFAULT nextval('ids'), eider_given VARCHAR, given STRUCT(texts VARCHAR[]))`;

const postgresBooks = `CREATE TABLE books (id integer PRIMARY KEY, title text NOT NULL, isbn text UNIQUE, pages integer CHECK (pages > 0),
    updated_at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE parts (book integer REFERENCES books, no integer, text text, PRIMARY KEY (book, no))`;

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

async function openOnPostgres(): Promise<Database> {
  const database = await openPostgresDatabase({
    connectionString: await server.createDatabase(),
    driver: 'pg',
    migrations: [{ name: '0001_tables', sql: postgresBooks }],
    runtime: systemRuntime,
  });
  onTestFinished(() => database.close());
  return database;
}

const engines = [
  ['DuckDB', () => open(books)],
  ['PostgreSQL', openOnPostgres],
] as const;

async function open(sql: string): Promise<Database> {
  return openDatabase({
    store: createMemoryStore({ runtime: systemRuntime }),
    migrations: [{ name: '0001_tables', sql }],
  });
}

type Answered = PromiseSettledResult<unknown>;

/** All at one time, as requests come. */
function sendAll(database: Database, commands: readonly Command[]): Promise<Answered[]> {
  return Promise.allSettled(
    commands.map(async (command) => {
      const { value } = await database.write((queries, scope) => executeOnly(queries, scope, command), {
        command: command as unknown as PlainValue,
        together: setNameOf(command),
      });
      return value.value;
    }),
  );
}

function readAll(database: Database, table: string, keys: readonly Key[]): Promise<(Row | null)[]> {
  return Promise.all(
    keys.map(async (key) => {
      const { value } = await database.read(
        (_queries, scope) => findRow(scope, findRelation(scope.catalog, table)!, key),
        { together: `row ${table}` },
      );
      return value;
    }),
  );
}

async function rowsOf(database: Database, table: string): Promise<unknown> {
  const { value } = await database.read((_queries, scope) => scope.run(`SELECT * FROM ${table} ORDER BY 1`));
  return value.rows;
}

const told = (answers: readonly Answered[]): string[] =>
  answers.map((answer) => (answer.status === 'fulfilled' ? 'ok' : String((answer.reason as { kind?: string }).kind)));

/** The first words of the statements that `work` runs. */
async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const spies = (['execute', 'withStatement', 'withKeptStatement'] as const).map((name) =>
    vi.spyOn(Session.prototype, name),
  );
  onTestFinished(() => void vi.restoreAllMocks());
  await work();
  const texts = spies.flatMap(({ mock }) => mock.invocationCallOrder.map((at, index) => [at, mock.calls[index]![0]]));
  vi.restoreAllMocks();
  return texts.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, text]) => String(text).split(/\s+/, 1).join());
}

const book = (id: number, more: Row = {}): Command => ({
  kind: 'create',
  table: 'books',
  values: { id, title: `Book ${id}`, isbn: `i${id}`, ...more },
});

it('writes of one kind are one statement, whatever their number', async () => {
  const database = await open(books);
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  const ofSets = async (commands: readonly Command[]): Promise<string[]> => {
    await database.status();
    return (await statementsOf(() => sendAll(database, commands).then(() => database.status()))).map((word) =>
      word.toUpperCase(),
    );
  };
  // SELECT: where the sequence is.
  const batch = (word: string): string[] => ['BEGIN', word, 'SELECT', 'UPDATE', 'COMMIT'];
  await sendAll(database, [book(1000), book(1001)]);
  expect(await ofSets(numbers.map((id) => book(id)))).toEqual(batch('INSERT'));
  const update = (id: number): Command => ({ kind: 'update', table: 'books', key: [id], values: { pages: id + 1 } });
  expect(await ofSets(numbers.map(update))).toEqual(batch('UPDATE'));
  const merge = (id: number): Command => ({
    kind: 'upsert',
    table: 'books',
    columns: ['id'],
    resolution: 'merge',
    rows: [
      {
        id,
        title: 'merged',
      },
    ],
  });
  expect(await ofSets(numbers.map(merge))).toEqual(batch('INSERT'));
  const remove = (id: number): Command => ({ kind: 'delete', table: 'books', key: [id] });
  // The rows that refer to them are looked for, too.
  expect(await ofSets(numbers.map(remove))).toEqual([
    'BEGIN',
    'DELETE',
    'SELECT',
    'SELECT',
    'SELECT',
    'UPDATE',
    'COMMIT',
  ]);
  expect(await rowsOf(database, 'books')).toHaveLength(2);
});

it('reads by key are one statement without a transaction, and see what was acknowledged', async () => {
  const database = await open(books);
  await sendAll(database, [book(1), book(2), book(3)]);
  await database.status();
  let found: unknown;
  const keys = [[1], [2], [9], [3], [1]];
  const statements = await statementsOf(async () => (found = await readAll(database, 'books', keys)));
  expect(statements).toEqual(['select', 'select']);
  expect((found as (Row | null)[]).map((row) => row?.['id'] ?? null)).toEqual([1, 2, null, 3, 1]);
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const id = 100 + index;
      await sendAll(database, [book(id)]);
      expect((await readAll(database, 'books', [[id]]))[0]).toMatchObject({ id });
    }),
  );
});

it.each(engines)('on %s each gets its own answer and its own error', async (_, start) => {
  const database = await start();
  const answers = await sendAll(database, [
    ...[1, 2, 3, 4, 5, 6, 7].map((id) => book(id)),
    book(3, { isbn: 'again' }),
    book(8, { isbn: 'i5' }),
    book(9, { pages: 0 }),
    book(10, { title: null }),
    book(11),
  ]);
  const kinds = told(answers);
  // Of two that clash, one wins, and which is up to chance.
  expect(new Set([kinds[2], kinds[7]])).toEqual(new Set(['conflict', 'ok']));
  expect(new Set([kinds[4], kinds[8]])).toEqual(new Set(['conflict', 'ok']));
  expect(kinds.filter((_kind, index) => ![2, 4, 7, 8].includes(index))).toEqual([
    'ok',
    'ok',
    'ok',
    'ok',
    'ok',
    'invalid',
    'invalid',
    'ok',
  ]);
  const made = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  expect(made).toEqual(made.map(() => expect.objectContaining({ pages: null, title: expect.stringMatching(/^Book/) })));
  expect(await rowsOf(database, 'books')).toHaveLength(8);
});

it.each(engines)(
  'on %s changes of one row come one after the other, conditions and missing rows included',
  async (_, start) => {
    const database = await start();
    await sendAll(
      database,
      [1, 2, 3, 4].map((id) => book(id)),
    );
    const rows = await readAll(database, 'books', [[1], [2], [3], [4]]);
    const [one, two] = rows.map((row) => rowVersion(row!));
    const change = (id: number, values: Row, match?: string): Command => ({
      kind: 'update',
      table: 'books',
      key: [id],
      values,
      ...(match === undefined ? {} : { precondition: { match: [match] } }),
    });
    const answers = await sendAll(database, [
      change(4, { pages: 4 }),
      change(1, { pages: 10 }, one),
      change(1, { pages: 11 }, one),
      change(2, { pages: 20 }, 'stale'),
      change(2, { pages: 21 }, two),
      change(99, { pages: 1 }),
      change(3, {}),
      change(3, { id: 30, pages: 3 }),
      change(4, { title: 'four' }),
      { kind: 'replace', table: 'books', key: [4], values: { title: 'whole' } },
    ]);
    expect(told(answers)).toEqual(['ok', 'ok', 'conflict', 'conflict', 'ok', 'not-found', 'ok', 'ok', 'ok', 'ok']);
    expect((await readAll(database, 'books', [[1], [2], [3], [30]])).map((row) => row?.['pages'])).toEqual([
      10,
      21,
      undefined,
      3,
    ]);
    const gone = await sendAll(
      database,
      [1, 1, 2, 77].map((id) => ({ kind: 'delete', table: 'books', key: [id] })),
    );
    expect(told(gone).toSorted()).toEqual(['not-found', 'not-found', 'ok', 'ok']);
  },
);

it.each(engines)('on %s a reference that fails in a set fails for its own request', async (_, start) => {
  const database = await start();
  await sendAll(database, [book(1), book(2)]);
  const part = (of: number, no: number): Command => ({ kind: 'create', table: 'parts', values: { book: of, no } });
  const answers = await sendAll(database, [part(1, 1), part(1, 2), part(7, 1), part(2, 1), part(2, 2), part(8, 9)]);
  expect(told(answers).map((kind) => kind === 'ok')).toEqual([true, true, false, true, true, false]);
  const found = await readAll(database, 'parts', [
    [1, 1],
    [1, 3],
    [2, 2],
    [1, 2],
  ]);
  expect(found.map((row) => (row ? [row['book'], row['no']] : null))).toEqual([[1, 1], null, [2, 2], [1, 2]]);
  const texts = [
    [1, 1],
    [1, 2],
    [2, 2],
    [5, 5],
  ].map((key): Command => ({ kind: 'update', table: 'parts', key, values: { text: key.join() } }));
  expect(told(await sendAll(database, texts))).toEqual(['ok', 'ok', 'ok', 'not-found']);
});

it('keys that are equal in other texts, and columns that are called like parts of the statement', async () => {
  const database = await open(books);
  await sendAll(
    database,
    ['ada', 'bob', 'cy'].map((nick, n) => ({ kind: 'create', table: 'nicks', values: { nick, n } })),
  );
  expect((await readAll(database, 'nicks', [['ADA'], ['bob'], ['Cy'], ['ada']])).map((row) => row?.['n'])).toEqual([
    0, 1, 2, 0,
  ]);
  const rename = (nick: string, n: number): Command => ({ kind: 'update', table: 'nicks', key: [nick], values: { n } });
  expect(told(await sendAll(database, [rename('bob', 5), rename('ADA', 6), rename('CY', 7), rename('no', 8)]))).toEqual(
    ['ok', 'ok', 'ok', 'not-found'],
  );
  const texts = ['a', 'b', 'c'].map((text) => ({ eider_given: text, given: { texts: [text] } }));
  const made = await sendAll(
    database,
    texts.map((values) => ({ kind: 'create', table: 'notes', values })),
  );
  expect(told(made)).toEqual(['ok', 'ok', 'ok']);
  const ids = made.map((answer) => (answer as { value: Row }).value['id'] as PlainValue);
  const changed = await sendAll(
    database,
    ids.map((id, index) => ({ kind: 'update', table: 'notes', key: [id], values: { eider_given: `new ${index}` } })),
  );
  expect(told(changed)).toEqual(['ok', 'ok', 'ok']);
  const rows = await readAll(
    database,
    'notes',
    ids.map((id) => [id]),
  );
  expect(rows).toEqual(texts.map(({ given }, index) => ({ id: ids[index], eider_given: `new ${index}`, given })));
});

it('values of every type are the same whether they are written one by one or together', async () => {
  for (const { name, key, ddl, rows } of manyTypes) {
    const [alone, together] = await Promise.all([open(ddl.join(';')), open(ddl.join(';'))]);
    for (const database of [alone, together]) {
      for (const row of rows) await database.write((_queries, scope) => scope.run(`INSERT INTO ${name} ${row}`));
    }
    const { value: given } = await alone.read((_queries, scope) => scope.run(`SELECT * FROM ${name}`));
    const whole = given.rows.map((values) =>
      Object.fromEntries(given.columns.map((column, index) => [column.name, values[index] ?? null])),
    );
    const keyOf = (row: Row): Key => key.map((column) => row[column] ?? null);
    const partOf = (row: Row): Row =>
      Object.fromEntries(Object.entries(row).filter(([column]) => !key.includes(column)));
    const steps: ((row: Row) => Command)[] = [
      (row) => ({ kind: 'update', table: name, key: keyOf(row), values: partOf(row) }),
      (row) => ({ kind: 'replace', table: name, key: keyOf(row), values: partOf(row) }),
      (row) => ({ kind: 'delete', table: name, key: keyOf(row) }),
      (row) => ({ kind: 'create', table: name, values: row }),
      (row) => ({ kind: 'upsert', table: name, columns: key, resolution: 'merge', rows: [row] }),
    ];
    for (const step of steps) {
      const commands = whole.map(step);
      const answers: Answered[] = [];
      for (const command of commands) answers.push(...(await sendAll(alone, [command])));
      expect(await sendAll(together, commands), name).toEqual(answers);
      expect(await rowsOf(together, name), name).toEqual(await rowsOf(alone, name));
      expect(await readAll(together, name, whole.map(keyOf)), name).toEqual(
        await Promise.all(whole.map(async (row) => (await readAll(alone, name, [keyOf(row)]))[0])),
      );
    }
  }
});
