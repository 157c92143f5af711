/** A file that DuckDB itself made is adopted, and every table of it does over HTTP what a table does. */
import { DuckDBInstance } from '@duckdb/node-api';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { plainRows } from '../../../lib/db/duckdb/dialect.ts';
import { systemRuntime } from '../../../lib/runtime.ts';
import { createDirectoryStore } from '../../../lib/store/directory.ts';
import { Session } from '../../../lib/sync/sql.ts';
import type { PlainValue, Row } from '../../../lib/values.ts';
import { type DatabaseState, differencesOf, stateOf, withoutSigns } from '../../support/database-state.ts';
import { temporaryFolder } from '../../support/engine.ts';
import { makeManyTables, type ManyTable, manyTables, manyViews, quotedPath } from '../../support/many-tables.ts';
import { startReplicated } from '../../support/replicated.ts';
import type { Service } from '../../support/service.ts';
import {
  allRows,
  answered,
  asParameter,
  asText,
  hasAddress,
  type Page,
  pathOf,
  rowPath,
  sorted,
} from '../../support/table-client.ts';

const types = { csv: 'text/csv', jsonl: 'application/jsonl', parquet: 'application/vnd.apache.parquet' };

interface Adopted {
  readonly service: Service;
  /** As DuckDB made it. */
  readonly original: string;
  /** The database file in the store. */
  readonly published: string;
  readonly folder: string;
}

async function adopt(): Promise<Adopted> {
  const folder = await temporaryFolder();
  const [original, published] = [join(folder, 'original.db'), join(folder, 'drive', 'test.db')];
  await makeManyTables(original);
  await mkdir(join(folder, 'drive'));
  await copyFile(original, published);
  const store = createDirectoryStore({ root: join(folder, 'drive'), create: false, runtime: systemRuntime });
  const service = await startReplicated({ store, environment: { TMPDIR: folder } });
  return { service, original, published, folder };
}

async function withFile<T>(path: string, work: (session: Session) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  try {
    return await work(new Session(connection));
  } finally {
    connection.disconnectSync();
    instance.closeSync();
  }
}

const rowsOfFile = (path: string, table: string): Promise<Row[]> =>
  withFile(path, async (session) => plainRows(await session.run(`FROM ${quotedPath(table)}`)));

/** Those that others refer to stay where they are. */
const isReferenced = ({ name }: ManyTable): boolean => ['employees', 'rooms'].includes(name);
const generated: Readonly<Record<string, readonly string[]>> = { products: ['total', 'label'] };

function withoutGenerated({ name }: ManyTable, row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([column]) => generated[name]?.includes(column) !== true));
}

/** Rows that pass `column=eq.value`; null where the column can only be compared with null. */
async function rowsWith(service: Service, table: string, column: string, value: PlainValue): Promise<Row[] | null> {
  const condition = value === null ? 'is.null' : `eq.${asText(value)}`;
  const filter = `${encodeURIComponent(asParameter(column))}=${encodeURIComponent(condition)}`;
  const response = await service.send('GET', `${pathOf(table)}?${filter}&limit=500`);
  const text = await response.text();
  if (response.status === 400 && text.includes('one of the operators that this column has: is')) return null;
  if (response.status !== 200) throw new Error(`${table}?${filter}: ${text}`);
  return (JSON.parse(text) as Page).data;
}

it('lists, filters and finds every row as it is in the file', async () => {
  const { service, original } = await adopt();
  const incomparable = new Set<string>();
  for (const table of [...manyTables, ...manyViews.map((name): ManyTable => ({ name, key: [], ddl: [], rows: [] }))]) {
    const expected = await rowsOfFile(original, table.name);
    expect([table.name, sorted(await allRows(service, table.name))]).toEqual([table.name, sorted(expected)]);
    for (const row of expected.slice(0, 3)) {
      const found = hasAddress(table, row) ? await answered(service.send('GET', rowPath(table, row))) : row;
      expect(found).toEqual(row);
      for (const [column, value] of Object.entries(row).slice(0, 12)) {
        if (typeof value === 'object' && value !== null) continue;
        const rows = await rowsWith(service, table.name, column, value);
        if (!rows) incomparable.add(`${table.name}.${column}`);
        const same = expected.filter((each) => each[column] === value).slice(0, 500);
        expect([table.name, column, sorted(rows ?? same)]).toEqual([table.name, column, sorted(same)]);
      }
    }
  }
  expect([...incomparable]).toEqual(['texts.document']);
});

/** Deletes, creates and replaces the row; answers it as each call did. */
async function rewritten(service: Service, table: ManyTable, row: Row): Promise<readonly unknown[]> {
  const values = withoutGenerated(table, row);
  if (table.key.length === 0) {
    const { data } = await answered<Page>(service.send('POST', pathOf(table.name), { json: [values] }), 201);
    return data;
  }
  const path = rowPath(table, row);
  await answered(service.send('DELETE', path), 204);
  await answered(service.send('GET', path), 404);
  return [
    await answered(service.send('POST', pathOf(table.name), { json: values }), 201),
    await answered(service.send('PUT', path, { json: values })),
  ];
}

it('takes rows away and takes them back, by each way of writing', async () => {
  const { service, original } = await adopt();
  for (const table of manyTables) {
    const expected = await rowsOfFile(original, table.name);
    const [row] = expected;
    if (!row || isReferenced(table)) continue;
    const answers = await rewritten(service, table, row);
    expect([table.name, answers]).toEqual([table.name, answers.map(() => row)]);
    const twin = table.key.length === 0 ? [row] : [];
    expect(sorted(await allRows(service, table.name))).toEqual(sorted([...expected, ...twin]));
  }
});

it('exports every table, and imports what was exported', { timeout: 240_000 }, async () => {
  const { service, original } = await adopt();
  for (const table of manyTables) {
    if (isReferenced(table)) continue;
    const expected = sorted(await rowsOfFile(original, table.name));
    for (const [format, type] of Object.entries(types)) {
      const exported = await service.send(
        'GET',
        `/api/export?table=${encodeURIComponent(table.name)}&format=${format}`,
      );
      if (exported.status !== 200)
        throw new Error(`${table.name} ${format}: ${await exported.text()} ${JSON.stringify(service.log)}`);
      const body = new Uint8Array(await exported.arrayBuffer());
      await withEmptied(service, table);
      const imported = await service.send('POST', `/api/import?table=${encodeURIComponent(table.name)}`, {
        body,
        headers: { 'content-type': type },
      });
      if (imported.status !== 201 && expected.length > 0)
        throw new Error(`${table.name} ${format}: ${await imported.text()}`);
      expect([table.name, format, sorted(await allRows(service, table.name))]).toEqual([table.name, format, expected]);
    }
  }
});

async function withEmptied(service: Service, { name }: ManyTable): Promise<void> {
  const { database } = await service.app.open();
  await database.write((_queries, scope) => scope.run(`DELETE FROM ${quotedPath(name)}`));
}

it('refuses what the definitions forbid, and says where', async () => {
  const { service } = await adopt();
  const refused = async (table: string, json: unknown, status: number, field: string): Promise<void> => {
    const response = await service.send('POST', pathOf(table), { json });
    const answer = (await response.json()) as { errors?: readonly { path?: string; pointer?: string }[] };
    expect([table, response.status, JSON.stringify(answer)]).toEqual([table, status, expect.stringContaining(field)]);
  };
  await refused('countries', { code: 'DE', name: 'Other' }, 409, 'code');
  await refused('countries', { code: 'XX', name: 'Germany' }, 409, 'name');
  await refused('countries', { code: 'XX', name: 'X', population: -1 }, 422, 'population');
  await refused('countries', { code: 'XX' }, 422, 'name');
  await refused('moods', { person: 'x', feeling: 'furious' }, 422, 'feeling');
  await refused('products', { name: 'pen', price: '1.20', total: '3' }, 422, 'total');
  await refused('products', { name: 'pen', price: 'cheap' }, 422, 'price');
  await refused('lessons', { id: 9, building: 'A', room: 77, teacher: 1 }, 422, 'room');
  await refused('lessons', { id: 9, teacher: 99 }, 422, 'teacher');
  await refused('shop.items', { name: 'x'.repeat(21) }, 422, 'name');
  await refused('wide', { id: 5, c200: 1 }, 422, 'c200');
  const gone = await service.send('DELETE', `${pathOf('employees')}/1`);
  expect([gone.status, await gone.text()]).toEqual([409, expect.stringContaining('boss')]);
});

it('asks and writes by SQL', async () => {
  const { service } = await adopt();
  const { database } = await service.app.open();
  const { value } = await database.write(async (_queries, scope) => {
    await scope.run(`INSERT INTO shop.items (name) VALUES ('swan')`);
    await scope.run(`UPDATE "Order Details" SET "Unit Price" = "Unit Price" + 1 WHERE line = 1`);
    return scope.run(`SELECT (SELECT max(sku) FROM shop.items) AS sku, (SELECT max("Unit Price") FROM "Order Details") AS price,
      add_tax(100) AS taxed, (SELECT count(*) FROM reports_of(1)) AS reports`);
  });
  expect(value.rows).toEqual([['3', '10.90', expect.anything(), '1']].map((row) => [Number(row[0]), ...row.slice(1)]));
});

it('publishes a file that a plain client opens, with the same definitions and rows', async () => {
  const { service, original, published } = await adopt();
  await answered(service.send('POST', pathOf('empty_table'), { json: { id: 1 } }), 201);
  await answered(service.send('DELETE', `${pathOf('empty_table')}/1`), 204);
  await answered(service.send('POST', '/api/db-sync'));
  const state = async (path: string): Promise<DatabaseState> => {
    const found = await withFile(path, (session) => stateOf(async (sql) => (await session.run(sql)).getRowsJson()));
    return withoutSigns({ ...found, definitions: withoutReferences(found.definitions) });
  };
  expect(differencesOf(await state(original), await state(published))).toEqual([]);
});

/** Eider keeps references itself. Of the two tables that have some, columns and other constraints are compared one by one. */
const withoutReferences = (definitions: DatabaseState['definitions']): DatabaseState['definitions'] =>
  Object.fromEntries(
    Object.entries(definitions).filter(
      ([name, text]) =>
        !text.includes('"FOREIGN KEY"') && !['table main.employees', 'table main.lessons'].includes(name),
    ),
  );

it('reads no file of the machine through a view or a macro of the file', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'test.db');
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run(`CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR);
    CREATE VIEW leak AS SELECT content FROM read_text('/etc/hostname'); CREATE VIEW through AS FROM leak;
    CREATE MACRO leaks() AS TABLE SELECT content FROM read_text('/etc/hostname')`);
  connection.closeSync();
  instance.closeSync();
  const store = createDirectoryStore({ root: folder, create: false, runtime: systemRuntime });
  const service = await startReplicated({ store, environment: { TMPDIR: folder } });
  const asked = [
    ...['leak', 'through', 'rest/v1/leak', 'rest/v1/rpc/leaks', 'export?table=leak&format=csv'].map((name) =>
      service.send('GET', `/api/${name}`),
    ),
    ...[
      'SELECT * FROM leak',
      'SELECT * FROM leaks()',
      'INSERT INTO t SELECT 1, content FROM through RETURNING *',
      'INSERT INTO t SELECT 2, content FROM leaks() RETURNING *',
    ].map((query) => service.send('POST', '/api/sql', { json: { query } })),
  ];
  for (const answer of asked) {
    const { status, url } = await answer;
    expect([url, status, await (await answer).text()]).toEqual([
      url,
      expect.toSatisfy((code: number) => code >= 400 && code < 500),
      expect.anything(),
    ]);
  }
});
