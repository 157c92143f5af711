/** Writes of rows as statements, on DuckDB itself: what they change, and which rows they are said to have failed for. */
import { beforeEach, describe, expect, it } from 'vitest';
import { findRelation, type Relation } from '../../../lib/catalog/catalog.ts';
import type { Scope } from '../../../lib/db/database.ts';
import { AppError } from '../../../lib/errors.ts';
import { type Command, executeCommand } from '../../../lib/rows/commands.ts';
import { placeFaults } from '../../../lib/rows/faults.ts';
import { insertRows } from '../../../lib/rows/insert.ts';
import { findRow } from '../../../lib/rows/key.ts';
import { rowVersion } from '../../../lib/rows/version.ts';
import type { Queries, Row } from '../../../lib/values.ts';
import { openScope } from '../../support/plain-scope.ts';

let scope: Scope;

beforeEach(async () => {
  scope = await openScope(`
    CREATE SEQUENCE numbers;
    CREATE TABLE books (id BIGINT PRIMARY KEY DEFAULT nextval('numbers'), title VARCHAR NOT NULL UNIQUE, pages INTEGER DEFAULT 100,
      note VARCHAR, label VARCHAR GENERATED ALWAYS AS (title || '!'), updated_at TIMESTAMPTZ NOT NULL DEFAULT now(), CHECK (pages > 0));
    CREATE TABLE pairs (a VARCHAR, b INTEGER, v VARCHAR, PRIMARY KEY (b, a));
    CREATE TABLE "a.b ""c" ("d.e" INTEGER PRIMARY KEY, "select" VARCHAR);
    CREATE TABLE bare (x INTEGER, y INTEGER DEFAULT 7);
    CREATE VIEW seen AS SELECT * FROM books`);
});

const relation = (name: string): Relation => findRelation(scope.catalog, name)!;
// None of these has a key under which it is done once.
const noQueries = null as unknown as Queries;

async function run<C extends Command>(command: C) {
  // What is kept as a pending write is JSON.
  const copy = JSON.parse(JSON.stringify(command)) as C;
  return executeCommand(noQueries, scope, copy);
}

const create = async (values: Row): Promise<Row> => (await run({ kind: 'create', table: 'books', values })).value;

describe('create', () => {
  it('answers the whole row, in the order of the columns, with what the database made', async () => {
    const row = await create({ title: 'Emma' });
    expect(row).toMatchObject({ id: '1', title: 'Emma', pages: 100, note: null, label: 'Emma!' });
    expect(Object.keys(row)).toEqual(['id', 'title', 'pages', 'note', 'label', 'updated_at']);
  });

  it('takes names with any characters', async () => {
    const values = { 'd.e': 1, select: `'; drop table books; --` };
    expect((await run({ kind: 'create', table: 'a.b "c', values })).value).toEqual(values);
  });

  it('takes nothing at all where all columns have defaults', async () => {
    expect((await run({ kind: 'create', table: 'bare', values: {} })).value).toEqual({ x: null, y: 7 });
  });

  it('refuses a view and what is not there', async () => {
    await expect(run({ kind: 'create', table: 'seen', values: {} })).rejects.toMatchObject({ kind: 'invalid' });
    await expect(run({ kind: 'create', table: 'nope', values: {} })).rejects.toMatchObject({ kind: 'not-found' });
  });
});

describe('createMany', () => {
  it('answers in the order in which rows were given, whichever columns they have', async () => {
    const rows: Row[] = Array.from({ length: 300 }, (_, index) => ({
      title: `t${index}`,
      ...(index % 3 === 0 ? { pages: index + 1 } : {}),
      ...(index % 2 === 0 ? { note: `n${index}` } : {}),
    }));
    const { value } = await run({ kind: 'createMany', table: 'books', rows });
    expect(value.map(({ title }) => title)).toEqual(rows.map(({ title }) => title));
    expect(value[3]).toMatchObject({ pages: 4, note: null });
    expect(value[1]).toMatchObject({ pages: 100 });
    expect((await run({ kind: 'createMany', table: 'bare', rows: [{}, {}] })).value).toEqual([
      { x: null, y: 7 },
      { x: null, y: 7 },
    ]);
  });
});

describe('upsert', () => {
  it('merges into rows that are there, and leaves the rest of them', async () => {
    await create({ title: 'Emma', note: 'kept' });
    const rows = [
      { title: 'Persuasion', pages: 249 },
      { title: 'Emma', pages: 474 },
    ];
    const { value } = await run({ kind: 'upsert', table: 'books', rows, columns: ['title'], resolution: 'merge' });
    expect(value).toMatchObject([
      { title: 'Persuasion', pages: 249, note: null },
      { id: '1', title: 'Emma', pages: 474, note: 'kept' },
    ]);
  });

  it('ignores rows that are there', async () => {
    await create({ title: 'Emma' });
    const rows = [{ title: 'Emma', pages: 1 }, { title: 'Persuasion' }];
    const { value } = await run({ kind: 'upsert', table: 'books', rows, columns: ['title'], resolution: 'ignore' });
    expect(value).toMatchObject([{ title: 'Persuasion' }]);
    expect(await findRow(scope, relation('books'), ['1'])).toMatchObject({ pages: 100 });
  });

  it('names two rows that would be the same', async () => {
    const rows = [{ title: 'Emma' }, { title: 'Emma' }];
    await expect(
      run({ kind: 'upsert', table: 'books', rows, columns: ['title'], resolution: 'merge' }),
    ).rejects.toMatchObject({
      fields: [{ path: '1/title', message: 'is the same as in row 0' }],
    });
  });
});

describe('update and replace', () => {
  it('set what was given, and the time', async () => {
    const before = await create({ title: 'Emma', note: 'n' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const { value: updated } = await run({ kind: 'update', table: 'books', key: ['1'], values: { pages: 5 } });
    expect(updated).toMatchObject({ pages: 5, note: 'n' });
    expect((updated['updated_at'] as string) > (before['updated_at'] as string)).toBe(true);
    const at = '2026-11-24T04:05:06.000000Z';
    const { value: given } = await run({ kind: 'update', table: 'books', key: ['1'], values: { updated_at: at } });
    expect(given).toMatchObject({ updated_at: at });
  });

  it('replace by defaults what is left out, but for the key', async () => {
    await create({ title: 'Emma', pages: 5, note: 'n' });
    const { value } = await run({ kind: 'replace', table: 'books', key: ['1'], values: { title: 'Emma' } });
    expect(value).toMatchObject({ id: '1', title: 'Emma', pages: 100, note: null });
  });

  it('take the key that the row has, and change nothing where nothing is left', async () => {
    await run({ kind: 'create', table: 'pairs', values: { a: 'x', b: 1, v: 'v' } });
    const key = [1, 'x'];
    expect((await run({ kind: 'update', table: 'pairs', key, values: { a: 'x', b: 1 } })).value).toEqual({
      a: 'x',
      b: 1,
      v: 'v',
    });
    expect((await run({ kind: 'replace', table: 'pairs', key, values: { a: 'x', b: 1 } })).value).toEqual({
      a: 'x',
      b: 1,
      v: null,
    });
  });

  it('need the row, and the version that was asked for', async () => {
    const row = await create({ title: 'Emma' });
    for (const kind of ['update', 'replace'] as const) {
      await expect(run({ kind, table: 'books', key: ['9'], values: { title: 'x' } })).rejects.toMatchObject({
        kind: 'not-found',
        message: 'There is no row of books with the key "9".',
      });
      const command = { kind, table: 'books', key: ['1'], values: { title: 'Emma' } };
      await expect(run({ ...command, precondition: { match: ['other'] } })).rejects.toMatchObject({ kind: 'conflict' });
    }
    await run({
      kind: 'update',
      table: 'books',
      key: ['1'],
      values: { pages: 2 },
      precondition: { match: [rowVersion(row)] },
    });
  });
});

describe('delete', () => {
  it('removes the row, once', async () => {
    await create({ title: 'Emma' });
    expect((await run({ kind: 'delete', table: 'books', key: ['1'] })).value).toBeNull();
    await expect(run({ kind: 'delete', table: 'books', key: ['1'] })).rejects.toMatchObject({ kind: 'not-found' });
  });
});

describe('updateMany and deleteMany', () => {
  it('concern the rows that pass the filter', async () => {
    const rows = Array.from({ length: 10 }, (_, index) => ({ title: `t${index}`, pages: index + 1 }));
    await run({ kind: 'createMany', table: 'books', rows });
    const many: Command = {
      kind: 'updateMany',
      table: 'books',
      filter: {
        or: [
          { column: 'pages', operator: 'gt', values: ['8'] },
          { not: { column: 'pages', operator: 'gt', values: ['1'] } },
        ],
      },
      values: { note: 'x' },
    };
    const { value } = await run(many);
    expect(value).toMatchObject({ rows: 3, renewed: expect.stringMatching(/Z$/) });
    const filter = { column: 'note', operator: 'eq', values: ['x'] } as const;
    expect((await run({ kind: 'deleteMany', table: 'books', filter })).value).toMatchObject({ rows: 3 });
    expect((await run({ kind: 'deleteMany', table: 'books', filter })).value).toMatchObject({ rows: 0 });
    const gone = { column: 'nope', operator: 'eq', values: ['x'] } as const;
    await expect(run({ kind: 'deleteMany', table: 'books', filter: gone })).rejects.toMatchObject({ kind: 'invalid' });
  });
});

describe('a command that was fixed', () => {
  it('gives the same row elsewhere', async () => {
    const first = await run({
      kind: 'createMany',
      table: 'books',
      rows: [{ title: 'Emma' }, { title: 'Persuasion', pages: 2 }],
    });
    const updated = await run({ kind: 'update', table: 'books', key: ['1'], values: { note: 'n' } });
    const upserted = await run({
      kind: 'upsert',
      table: 'books',
      rows: [{ title: 'Emma', pages: 3 }, { title: 'Sanditon' }],
      columns: ['title'],
      resolution: 'merge',
    });
    const rows = upserted.value;
    const fixed = [first, updated, upserted].map((done) => done.fixed);
    await scope.run('DELETE FROM books');
    for (const command of fixed) await run(command);
    expect(await findRow(scope, relation('books'), ['1'])).toEqual(rows[0]);
    expect(await findRow(scope, relation('books'), [rows[1]!['id']!])).toEqual(rows[1]);
    expect(await findRow(scope, relation('books'), ['2'])).toEqual(first.value[1]);
  });
});

describe('the rows that broke a constraint', () => {
  const places = async (table: string, rows: readonly Row[], sqlState: string, constraint: string) => {
    const { schema, name } = relation(table);
    const error = new AppError('conflict', 'It broke.', {
      sqlState,
      constraint: { name: constraint, schema, table: name },
    });
    return (await placeFaults(scope, relation(table), rows, error)).fields;
  };

  it('are named by their places', async () => {
    await insertRows(scope, relation('books'), [{ title: 'Emma' }]);
    const rows = [{ title: 'a' }, { title: 'Emma' }, { title: 'b', pages: 1 }, { title: 'a' }];
    expect(await places('books', rows, '23505', 'books_title_key')).toEqual([
      { path: '1/title', message: 'is taken' },
      { path: '3/title', message: 'is the same as in row 0' },
    ]);
    const [check] = relation('books').checks;
    expect(await places('books', [{ title: 'a' }, { title: 'b', pages: -1 }], '23514', check!.name)).toEqual([
      { path: '1/pages', message: expect.stringContaining('pages > 0') },
    ]);
    expect(
      await places(
        'pairs',
        [
          { a: 'x', b: 1 },
          { a: 'x', b: 1 },
        ],
        '23505',
        'pairs_pkey',
      ),
    ).toEqual([
      { path: '1/b', message: 'is the same as in row 0' },
      { path: '1/a', message: 'is the same as in row 0' },
    ]);
  });
});
