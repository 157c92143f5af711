/** Tables of PostgreSQL that Eider did not make, of every kind, over HTTP; PostgreSQL itself says what is in them. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { Client } from 'pg';
import { openPostgresDatabase } from '../../../lib/db/postgres/postgres-database.ts';
import { movableRuntime, temporaryFolder } from '../../support/engine.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { type Service, startService } from '../../support/service.ts';
import {
  allRows,
  answered,
  asParameter,
  hasAddress,
  type Page,
  pathOf,
  rowPath,
  sorted,
} from '../../support/table-client.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

const schema = `
CREATE SCHEMA shop; CREATE SCHEMA "My Schema";
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s great', '');
CREATE DOMAIN percentage AS numeric(5,2) CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE log_lines ("at" timestamp, level text, took double precision);
INSERT INTO log_lines VALUES ('2026-01-01', 'info', 0.5), ('2026-01-01', 'info', 0.5), (NULL, NULL, 'NaN'), ('-infinity', '', '-0');
CREATE TABLE countries (code char(2) PRIMARY KEY, name varchar(40) NOT NULL UNIQUE, population bigint CHECK (population >= 0));
INSERT INTO countries VALUES ('DE', 'Germany', 84000000), ('IS', 'Ísland 🇮🇸', NULL);
CREATE TABLE holidays (day date PRIMARY KEY, name text);
INSERT INTO holidays VALUES ('2026-12-25', 'Christmas'), ('infinity', 'never'), ('0044-03-15 BC', 'Ides');
CREATE TABLE "Order Details" ("Order ID" int, line smallint, "Unit Price" numeric(8,2), "order" text, "it's ""quoted""" text, PRIMARY KEY ("Order ID", line));
INSERT INTO "Order Details" VALUES (1, 1, 9.90, 'desc', 'q'), (1, 2, NULL, NULL, NULL);
CREATE TABLE "select" ("from" int PRIMARY KEY, "where" text, "limit" int, "and" boolean);
INSERT INTO "select" VALUES (1, 'here', 3, true);
CREATE TABLE "it's odd 100%?&#/" ("key?" text PRIMARY KEY, "ü%20&" text DEFAULT 'it''s; --');
INSERT INTO "it's odd 100%?&#/" VALUES ('/?&#%+', 'a'), ('🦆', NULL);
CREATE TABLE invoices (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer text NOT NULL);
CREATE TABLE products (id serial PRIMARY KEY, name text NOT NULL, price numeric(10,2) NOT NULL CHECK (price >= 0), quantity int NOT NULL DEFAULT 0,
  total numeric GENERATED ALWAYS AS (price * quantity) STORED, share percentage);
INSERT INTO products (name, price, quantity, share) VALUES ('pen', 1.20, 10, 99.5), ('ink', 99999999.99, 0, NULL);
CREATE TABLE moods (person text, feeling mood, all_feelings mood[], PRIMARY KEY (person, feeling));
INSERT INTO moods VALUES ('Ada', 'ok', '{sad,NULL}'), ('Ada', '', '{}'), ('Grace', 'it''s great', NULL);
CREATE TABLE kinds (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), flag boolean, tiny smallint, big bigint, exact numeric, near real, document json, binary_document jsonb,
  bytes bytea, "time" time, stamp timestamptz, span interval, numbers int[], texts text[], matrix int[][], address inet, bits varbit, span_of int4range, name name);
INSERT INTO kinds VALUES
  ('00000000-0000-0000-0000-000000000001', true, -32768, 9223372036854775807, 1234567890123456789012345678901234567890.12345, 1.5, '{"a": [1, 1.0, null]}', '{"b": -0.5}',
   '\\x00ff7f', '23:59:59.999999', '2026-02-28 23:59:59.999999+00', '1 mon -3 days 04:05:06.000007', '{1,NULL,-3}', '{"a b","q\\"","",NULL,"NULL","\\\\"}', '{{1,2},{3,4}}', '10.0.0.1/8', B'0101', '[1,5)', 'n'),
  ('00000000-0000-0000-0000-000000000002', NULL, NULL, NULL, 'NaN', '-Infinity', 'null', 'null', '', '24:00:00', 'infinity', '0', '{}', '{}', NULL, NULL, '', 'empty', NULL),
  ('00000000-0000-0000-0000-000000000003', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE shop.items (sku serial PRIMARY KEY, name text NOT NULL CHECK (length(name) <= 20));
INSERT INTO shop.items (name) VALUES ('duck'), ('goose');
CREATE TABLE "My Schema"."Stock Level" (sku int, day date, level numeric(39) NOT NULL, PRIMARY KEY (sku, day));
INSERT INTO "My Schema"."Stock Level" VALUES (1, '2026-01-01', 170141183460469231731687303715884105727), (1, '-infinity', -1);
CREATE TABLE parted (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE parted_north PARTITION OF parted FOR VALUES IN ('north'); CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
INSERT INTO parted VALUES (1, 'north'), (2, 'south');
CREATE TABLE employees (id int PRIMARY KEY, name text NOT NULL, boss int REFERENCES employees (id));
INSERT INTO employees VALUES (1, 'Ada', NULL), (2, 'Grace', 1);
CREATE TABLE wide (id int PRIMARY KEY, ${Array.from({ length: 199 }, (_, index) => `c${index + 1} ${['int', 'text', 'boolean'][index % 3]}`).join(', ')});
INSERT INTO wide (id, c1, c2) VALUES (1, 1, 'one'), (2, NULL, '');
CREATE VIEW expensive AS SELECT id, name, price FROM products WHERE price > 10;
CREATE MATERIALIZED VIEW shop.names AS SELECT name FROM shop.items;`;

interface Table {
  readonly name: string;
  readonly key: readonly string[];
  readonly generated?: readonly string[];
}
const tables: readonly Table[] = [
  { name: 'log_lines', key: [] },
  { name: 'countries', key: ['code'] },
  { name: 'holidays', key: ['day'] },
  { name: 'Order Details', key: ['Order ID', 'line'] },
  { name: 'select', key: ['from'] },
  { name: "it's odd 100%?&#/", key: ['key?'] },
  { name: 'products', key: ['id'], generated: ['total'] },
  { name: 'moods', key: ['person', 'feeling'] },
  { name: 'kinds', key: ['id'] },
  { name: 'shop.items', key: ['sku'] },
  { name: 'My Schema.Stock Level', key: ['sku', 'day'] },
  { name: 'parted', key: ['id', 'region'] },
  { name: 'employees', key: ['id'] },
  { name: 'wide', key: ['id'] },
];
const views = ['expensive', 'shop.names'];

interface Given {
  readonly service: Service;
  /** Rows as PostgreSQL writes them, in an order of their own. */
  readonly rows: (table: string) => Promise<string[]>;
  readonly run: (sql: string) => Promise<void>;
}

async function start(): Promise<Given> {
  const connectionString = await server.createDatabase();
  const client = new Client({ connectionString });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query(schema);
  const runtime = movableRuntime();
  const open = () => openPostgresDatabase({ connectionString, driver: 'pg', migrations: [], runtime });
  const service = await startService({
    migrations: [],
    runtime,
    open,
    environment: { TMPDIR: await temporaryFolder() },
  });
  onTestFinished(() => service.app.close());
  return {
    service,
    rows: async (table) => {
      const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${quoted(table)} t`);
      return rows.map(({ row }) => row).toSorted();
    },
    run: async (text) => void (await client.query(text)),
  };
}

function quoted(table: string): string {
  const [, path, name] = /^(shop|My Schema)\.(.*)$/.exec(table) ?? [null, 'public', table];
  return `"${path}"."${name}"`;
}

it('lists, counts and finds every row', async () => {
  const { service, rows } = await start();
  for (const table of [...tables, ...views.map((name): Table => ({ name, key: [] }))]) {
    const found = await allRows(service, table.name);
    expect([table.name, found.length]).toEqual([table.name, (await rows(table.name)).length]);
    for (const row of found) {
      const again = hasAddress(table, row) ? await answered(service.send('GET', rowPath(table, row))) : row;
      expect(again).toEqual(row);
      for (const [column, value] of Object.entries(row).slice(0, 4)) {
        const filter = `${encodeURIComponent(asParameter(column))}=${value === null ? 'is.null' : 'is.not_null'}`;
        const { data } = await answered<Page>(service.send('GET', `${pathOf(table.name)}?${filter}&limit=500`));
        expect(sorted(data)).toEqual(sorted(found.filter((each) => (each[column] === null) === (value === null))));
      }
    }
  }
});

it('takes back what it gave: rows one by one, and files in every format', async () => {
  const { service, rows, run } = await start();
  const refused: string[] = [];
  for (const table of tables) {
    const before = await rows(table.name);
    const found = await allRows(service, table.name);
    const files = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const format of ['csv', 'jsonl', 'parquet']) {
      const exported = await service.send(
        'GET',
        `/api/export?table=${encodeURIComponent(table.name)}&format=${format}`,
      );
      const isRefused =
        exported.status === 422 && (await exported.clone().text()).includes('cannot store a value of matrix');
      if (isRefused) refused.push(`${table.name} ${format}`);
      else files.set(format, new Uint8Array(await exported.arrayBuffer()));
    }
    await run(`DELETE FROM ${quoted(table.name)}`);
    const left = (row: object) => Object.entries(row).filter(([column]) => table.generated?.includes(column) !== true);
    const given = found.map((row) => Object.fromEntries(left(row)));
    const created = await answered<Page>(service.send('POST', pathOf(table.name), { json: given }), 201);
    expect([table.name, created.data]).toEqual([table.name, found]);
    expect([table.name, await rows(table.name)]).toEqual([table.name, before]);
    for (const [format, body] of files) {
      await run(`DELETE FROM ${quoted(table.name)}`);
      const target = `/api/import?table=${encodeURIComponent(table.name)}&format=${format}`;
      const taken = await service.send('POST', target, { body });
      if (taken.status !== 201) throw new Error(`${table.name} ${format}: ${await taken.text()}`);
      expect([table.name, format, await rows(table.name)]).toEqual([table.name, format, before]);
    }
  }
  expect(refused).toEqual(['kinds parquet']);
});

it('refuses what the definitions forbid, and says where', async () => {
  const { service } = await start();
  const refused = async (table: string, json: unknown): Promise<unknown> => {
    const response = await service.send('POST', pathOf(table), { json });
    const { errors = [] } = (await response.json()) as { errors?: readonly { path: string }[] };
    return [response.status, errors.map(({ path }) => path)];
  };
  expect(await refused('countries', { code: 'DE', name: 'Other' })).toEqual([409, ['code']]);
  expect(await refused('countries', { code: 'XX', name: 'Germany' })).toEqual([409, ['name']]);
  expect(await refused('countries', { code: 'XX', name: 'X', population: -1 })).toEqual([422, ['population']]);
  expect(await refused('countries', { code: 'XX' })).toEqual([422, ['name']]);
  expect(await refused('moods', { person: 'x', feeling: 'furious' })).toEqual([422, ['feeling']]);
  expect(await refused('products', { name: 'pen', price: '1', total: '3' })).toEqual([422, ['total']]);
  expect(await refused('products', { name: 'pen', price: '1', share: '101' })).toEqual([422, []]);
  expect(await refused('shop.items', { name: 'x'.repeat(21) })).toEqual([422, ['name']]);
  expect(await refused('employees', { id: 9, name: 'x', boss: 99 })).toEqual([422, ['boss']]);
  expect(await refused('invoices', { number: '7', customer: 'x' })).toEqual([422, ['number']]);
  expect((await service.send('POST', pathOf('invoices'), { json: { customer: 'x' } })).status).toBe(201);
  expect((await service.send('POST', pathOf('shop.names'), { json: { name: 'x' } })).status).toBe(405);
});
