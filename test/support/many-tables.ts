/**
 * A file that DuckDB itself made, with tables as unlike each other as people's tables are. Plain SQL and the driver: no
 * part of Eider has a hand in it.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { manyTypes } from './many-types.ts';

export interface ManyTable {
  /** As paths call it: `books`, `shop.items`. */
  readonly name: string;
  /** The primary key's columns; none where there is none. */
  readonly key: readonly string[];
  readonly ddl: readonly string[];
  /** Each is what follows INSERT INTO <table>. */
  readonly rows: readonly string[];
}

/** Twenty columns of ten kinds make one of two hundred. */
const wideTypes = [
  'INTEGER',
  'VARCHAR',
  'DOUBLE',
  'BOOLEAN',
  'DATE',
  'BIGINT',
  'DECIMAL(9,3)',
  'UUID',
  'JSON',
  'INT[]',
];
const wideColumns = Array.from({ length: 199 }, (_, index) => `c${index + 1} ${wideTypes[index % 10]}`);

const everydayTables: readonly ManyTable[] = [
  {
    name: 'log_lines',
    key: [],
    ddl: ['CREATE TABLE log_lines ("at" TIMESTAMP, level VARCHAR, message VARCHAR, took DOUBLE)'],
    rows: [
      `VALUES ('2026-01-01 08:00:00', 'info', 'started', 0.5), ('2026-01-01 08:00:00', 'info', 'started', 0.5), (NULL, NULL, NULL, NULL), (NULL, NULL, '', 'NaN')`,
    ],
  },
  {
    name: 'empty_table',
    key: ['id'],
    ddl: ['CREATE TABLE empty_table (id INTEGER PRIMARY KEY, note VARCHAR)'],
    rows: [],
  },
  {
    name: 'countries',
    key: ['code'],
    ddl: [
      `CREATE TABLE countries (code VARCHAR PRIMARY KEY, name VARCHAR NOT NULL UNIQUE, population BIGINT CHECK (population >= 0))`,
      `COMMENT ON TABLE countries IS 'ISO 3166-1; it''s "all" of them'`,
      `COMMENT ON COLUMN countries.code IS 'Two letters'`,
    ],
    rows: [
      `VALUES ('DE', 'Germany', 84000000), ('IS', 'Ísland 🇮🇸', NULL), ('', 'Nowhere', 0), ('a,b/c%', 'Sign land', 1)`,
    ],
  },
  {
    name: 'holidays',
    key: ['day'],
    ddl: ['CREATE TABLE holidays (day DATE PRIMARY KEY, name VARCHAR)'],
    rows: [
      `VALUES ('2026-12-25', 'Christmas'), ('infinity', 'never'), ('0044-03-15 (BC)', 'Ides of March'), ('9999-12-31', NULL)`,
    ],
  },
  {
    name: 'measurements',
    key: ['station', 'at'],
    ddl: [
      'CREATE TABLE measurements ("at" TIMESTAMP, value DOUBLE, station VARCHAR, PRIMARY KEY (station, "at"))',
      'CREATE INDEX measurements_value ON measurements (value)',
    ],
    rows: [`SELECT TIMESTAMP '2026-01-01' + i * INTERVAL 1 MINUTE, i / 7, 'station ' || i % 3 FROM range(2500) r(i)`],
  },
  {
    name: 'invoices',
    key: ['number'],
    ddl: [
      'CREATE SEQUENCE invoice_numbers START 1000 INCREMENT 10',
      `CREATE TABLE invoices (number BIGINT PRIMARY KEY DEFAULT nextval('invoice_numbers'), customer VARCHAR NOT NULL,
         created_at TIMESTAMPTZ NOT NULL DEFAULT now(), updated_at TIMESTAMPTZ NOT NULL DEFAULT now())`,
    ],
    rows: [`(customer) VALUES ('Ada'), ('Grace'), ('Edsger')`],
  },
  {
    name: 'products',
    key: ['id'],
    ddl: [
      `CREATE TABLE products (id UUID PRIMARY KEY DEFAULT uuid(), name VARCHAR(40) NOT NULL, price DECIMAL(10,2) NOT NULL CHECK (price >= 0),
         quantity INTEGER NOT NULL DEFAULT 0, total DECIMAL(18,2) GENERATED ALWAYS AS (price * quantity) VIRTUAL,
         label VARCHAR GENERATED ALWAYS AS (name || ' x ' || quantity) VIRTUAL, CONSTRAINT few CHECK (quantity BETWEEN 0 AND 1000))`,
    ],
    rows: [`(name, price, quantity) VALUES ('pen', 1.20, 10), ('ink', 99999999.99, 0)`],
  },
  {
    name: 'moods',
    key: ['person', 'feeling'],
    ddl: [
      `CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s great', '')`,
      `CREATE TABLE moods (person VARCHAR, feeling mood, strength ENUM ('low', 'high') DEFAULT 'low', all_feelings mood[], PRIMARY KEY (person, feeling))`,
    ],
    rows: [`VALUES ('Ada', 'ok', 'high', ['sad', NULL]), ('Ada', '', NULL, []), ('Grace', 'it''s great', 'low', NULL)`],
  },
  {
    name: 'nested',
    key: ['id'],
    ddl: [
      `CREATE TABLE nested (id INTEGER PRIMARY KEY, tags VARCHAR[], matrix INTEGER[][], point DOUBLE[3],
         address STRUCT(street VARCHAR, "house no" INTEGER, lines VARCHAR[]), attributes MAP(VARCHAR, INTEGER),
         by_number MAP(INTEGER, STRUCT(a INTEGER, b VARCHAR)), either UNION(number INTEGER, word VARCHAR))`,
    ],
    rows: [
      `VALUES (1, ['a', NULL, '', 'a, b', '"'], [[1, 2], [], NULL], [1.5, NULL, 'NaN'::DOUBLE], {street: 'Long', "house no": 7, lines: ['x']}, MAP {'a': 1, '': NULL}, MAP {1: {a: 1, b: 'x'}}, 42),
         (2, [], NULL, NULL, {street: NULL, "house no": NULL, lines: NULL}, MAP {}, NULL, 'word'), (3, NULL, [], [0, 0, 0], NULL, NULL, MAP {}, NULL)`,
    ],
  },
];

const namedTables: readonly ManyTable[] = [
  {
    name: 'Order Details',
    key: ['Order ID', 'line'],
    ddl: [
      `CREATE TABLE "Order Details" ("Order ID" INTEGER, line SMALLINT, "Unit Price" DECIMAL(8,2), "order" VARCHAR, "a.b" VARCHAR, "it's ""quoted""" VARCHAR, "ä/ö" VARCHAR,
         PRIMARY KEY ("Order ID", line))`,
      `CREATE UNIQUE INDEX "By Price" ON "Order Details" ("Unit Price", line)`,
    ],
    rows: [`VALUES (1, 1, 9.90, 'desc', 'dot', 'quote', 'umlaut'), (1, 2, NULL, NULL, NULL, NULL, NULL)`],
  },
  {
    name: 'select',
    key: ['from'],
    ddl: [
      'CREATE TABLE "select" ("from" INTEGER PRIMARY KEY, "where" VARCHAR, "limit" INTEGER, "and" BOOLEAN, "or" BOOLEAN, "not" BOOLEAN)',
    ],
    rows: [`VALUES (1, 'here', 3, true, false, NULL)`],
  },
  {
    name: 'a.b/c',
    key: ['id'],
    ddl: ['CREATE TABLE "a.b/c" (id INTEGER PRIMARY KEY, "x.y" VARCHAR, "x->y" VARCHAR)'],
    rows: [`VALUES (1, 'a', 'b'), (-1, NULL, '->')`],
  },
  {
    name: `it's "odd" 100%?&#`,
    key: ['key?'],
    ddl: [`CREATE TABLE "it's ""odd"" 100%?&#" ("key?" VARCHAR PRIMARY KEY, "ü%20&" VARCHAR DEFAULT 'it''s; --')`],
    rows: [`VALUES ('/?&#%+', 'a'), ('🦆', NULL)`],
  },
  {
    name: 'wide',
    key: ['id'],
    ddl: [`CREATE TABLE wide (id INTEGER PRIMARY KEY, ${wideColumns.join(', ')})`],
    rows: [`(id, c1, c2, c199) VALUES (1, 1, 'one', '{"a": 1}'), (2, NULL, '', NULL)`],
  },
];

const relatedTables: readonly ManyTable[] = [
  {
    name: 'employees',
    key: ['id'],
    ddl: [
      'CREATE TABLE employees (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, boss INTEGER REFERENCES employees (id))',
    ],
    // DuckDB looks for the referenced row in the table as it was before the statement.
    rows: [`VALUES (1, 'Ada', NULL)`, `VALUES (2, 'Grace', 1)`, `VALUES (3, 'Edsger', 2)`],
  },
  {
    name: 'rooms',
    key: ['building', 'number'],
    ddl: [
      'CREATE TABLE rooms (building VARCHAR, number INTEGER, seats INTEGER DEFAULT 20, PRIMARY KEY (building, number))',
    ],
    rows: [`VALUES ('A', 1, 10), ('A', 2, DEFAULT), ('B', 1, NULL)`],
  },
  {
    name: 'lessons',
    key: ['id'],
    ddl: [
      `CREATE TABLE lessons (id BIGINT PRIMARY KEY, building VARCHAR, room INTEGER, teacher INTEGER NOT NULL, "starts at" TIME,
         CHECK (id > 0), FOREIGN KEY (building, room) REFERENCES rooms (building, number), FOREIGN KEY (teacher) REFERENCES employees (id))`,
      'CREATE INDEX lessons_room ON lessons (building, room)',
    ],
    rows: [`VALUES (1, 'A', 2, 1, '08:00'), (2, NULL, 7, 3, NULL)`],
  },
  {
    name: 'shop.items',
    key: ['sku'],
    ddl: [
      'CREATE SCHEMA shop',
      'CREATE SEQUENCE shop.skus',
      `CREATE TABLE shop.items (sku INTEGER PRIMARY KEY DEFAULT nextval('shop.skus'), name VARCHAR NOT NULL CHECK (length(name) <= 20))`,
    ],
    rows: [`(name) VALUES ('duck'), ('goose')`],
  },
  {
    name: 'My Schema.Stock Level',
    key: ['sku', 'day'],
    ddl: [
      'CREATE SCHEMA "My Schema"',
      'CREATE TABLE "My Schema"."Stock Level" (sku INTEGER, day DATE, level HUGEINT NOT NULL, PRIMARY KEY (sku, day))',
    ],
    rows: [`VALUES (1, '2026-01-01', 170141183460469231731687303715884105727), (1, '-infinity', -1)`],
  },
];

/** Views and macros, over the tables; the views' names as paths call them. */
export const manyViews: readonly string[] = ['expensive', 'Weekly Levels', 'shop.names'];
const viewsAndMacros: readonly string[] = [
  'CREATE VIEW expensive AS SELECT id, name, price FROM products WHERE price > 10',
  `COMMENT ON VIEW expensive IS 'More than ten'`,
  `CREATE VIEW "Weekly Levels" ("Week", lines) AS SELECT date_trunc('week', "at"), count(*) FROM log_lines GROUP BY ALL`,
  'CREATE VIEW shop.names AS SELECT name FROM shop.items',
  'CREATE MACRO add_tax(x, rate := 0.19) AS x * (1 + rate)',
  'CREATE MACRO reports_of(chief) AS TABLE SELECT id, name FROM employees WHERE boss = chief',
  `COMMENT ON MACRO add_tax IS 'Nineteen percent'`,
  'CREATE MACRO shop.first_items(n) AS TABLE SELECT * FROM shop.items ORDER BY sku LIMIT n',
];

export const manyTables: readonly ManyTable[] = [...everydayTables, ...namedTables, ...relatedTables, ...manyTypes];

/** The SQL that makes them, a statement each. */
function manyTablesSql(): string[] {
  const inserts = ({ name, rows }: ManyTable): string[] =>
    rows.map((each) => `INSERT INTO ${quotedPath(name)} ${each}`);
  return [...manyTables.flatMap((table) => [...table.ddl, ...inserts(table)]), ...viewsAndMacros];
}

/** Makes the file at `path`, which must not be there yet. */
export async function makeManyTables(path: string): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  try {
    for (const statement of manyTablesSql()) await connection.run(statement);
  } finally {
    connection.disconnectSync();
    instance.closeSync();
  }
}

/** `shop.items` as SQL writes it; only the names above that begin with a schema are in one. */
export function quotedPath(name: string): string {
  const schema = ['shop', 'My Schema'].find((each) => name.startsWith(`${each}.`));
  const parts = schema === undefined ? [name] : [schema, name.slice(schema.length + 1)];
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
}
