/** The shape of tables as replay and capture need it, and which tables can be captured at all. */
import { DuckDBTypeId, type DuckDBType } from '@duckdb/node-api';
import { AppError } from '../errors.ts';
import { columnClauses } from '../sql/definition.ts';
import { tokensOf } from '../sql/tokens.ts';
import { type Codec, codecFor } from './codec.ts';
import { SequenceMemory } from './sequences.ts';
import { quoteTable, type Session } from './sql.ts';

export interface ShapeColumn {
  readonly name: string;
  readonly type: DuckDBType;
  readonly codec: Codec;
  /** Two values that DuckDB finds equal are one and the same. Not so: 0 and -0, 1 month and 30 days, collated texts. */
  readonly isExact: boolean;
  /** Its place among all columns. */
  readonly at: number;
}

export interface Shape {
  /** As the database spells them. */
  readonly schema: string;
  readonly table: string;
  /** What a row in a record has: all columns that are stored, in their order. */
  readonly columns: readonly ShapeColumn[];
  /** All columns by name, computed ones among them, in the order in which `SELECT *` has them. */
  readonly allNames: readonly string[];
  /** The primary key's columns, in its order; empty where rows are named by all of their values. */
  readonly key: readonly ShapeColumn[];
  readonly constraints: readonly Constraint[];
}

/** A constraint of a table, for messages. */
export interface Constraint {
  readonly kind: 'primary' | 'unique' | 'check';
  readonly columns: readonly string[];
  /** As in DuckDB's messages: `CHECK((a > 0))`. */
  readonly text: string;
}

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Types of which two values are equal only if they are the same. */
const exactTypes: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.BOOLEAN,
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.UHUGEINT,
  DuckDBTypeId.DECIMAL,
  DuckDBTypeId.VARCHAR,
  DuckDBTypeId.ENUM,
  DuckDBTypeId.UUID,
  DuckDBTypeId.BLOB,
  DuckDBTypeId.DATE,
  DuckDBTypeId.TIME,
  DuckDBTypeId.TIMESTAMP,
  DuckDBTypeId.TIMESTAMP_TZ,
  DuckDBTypeId.TIMESTAMP_S,
  DuckDBTypeId.TIMESTAMP_MS,
  DuckDBTypeId.TIMESTAMP_NS,
]);

/** The shapes of a database's tables, read when first needed. `forget` after DDL, and when a transaction is rolled back. */
export class Shapes {
  readonly sequences: SequenceMemory;
  readonly #session: Session;
  readonly #shapes = new Map<string, Shape>();

  constructor(session: Session) {
    this.#session = session;
    this.sequences = new SequenceMemory(session);
  }

  forget(): void {
    this.#shapes.clear();
    this.sequences.forget();
    this.#session.forgetKept();
  }

  /** The shape of a table that can be captured, whatever the case of its name; `invalid` with the reason when it cannot be. */
  async shape(name: TableName): Promise<Shape> {
    const shape = await this.find(name);
    if (shape) return shape;
    throw new AppError('not-found', `Table with name ${name.table} does not exist!`, { sqlState: '42P01' });
  }

  /** The same; null when there is no such table. */
  async find(name: TableName): Promise<Shape | null> {
    const id = quoteTable(name);
    const known = this.#shapes.get(id);
    if (known) return known;
    const [found] = await this.#session.rows(
      `SELECT schema_name, table_name, sql FROM duckdb_tables()
       WHERE database_name = current_database() AND lower(schema_name) = lower($1) AND lower(table_name) = lower($2)`,
      [name.schema, name.table],
    );
    if (!found) return null;
    const [schema, table, sql] = found.map(String) as [string, string, string];
    const canonical = quoteTable({ schema, table });
    const shape = this.#shapes.get(canonical) ?? (await this.#read({ schema, table }, sql));
    this.#shapes.set(id, shape);
    this.#shapes.set(canonical, shape);
    return shape;
  }

  /** Every table of the database that cannot be captured, with its reason. */
  async refusals(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const name of await this.tables()) {
      await this.shape(name).catch((error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        found.set(quoteTable(name), error.message);
      });
    }
    return found;
  }

  /** The user's tables, ours in the schema `eider` not among them. */
  async tables(): Promise<TableName[]> {
    const rows = await this.#session.rows(
      `SELECT schema_name, table_name FROM duckdb_tables()
       WHERE database_name = current_database() AND NOT internal AND NOT temporary AND schema_name <> 'eider' ORDER BY ALL`,
    );
    return rows.map(([schema, table]) => ({ schema: String(schema), table: String(table) }));
  }

  async #read(name: TableName, sql: string): Promise<Shape> {
    const result = await this.#session.connection.run(`SELECT * FROM ${quoteTable(name)} LIMIT 0`);
    const types = result.columnTypes();
    const allNames = result.columnNames();
    const { generated, collated } = columnClauses(tokensOf(sql));
    const columns = allNames.flatMap((column, at): ShapeColumn[] => {
      const type = types[at]!;
      if (generated.has(column)) return [];
      const isExact = exactTypes.has(type.typeId) && !collated.has(column);
      return [{ name: column, type, codec: requireCodec(name, column, type), isExact, at }];
    });
    const constraints = await this.#constraints(name);
    const key = usableKey(columns, constraints);
    if (key.length === 0 && allNames.some((column) => column.toLowerCase() === 'rowid'))
      throw refuseTable(name, 'it has no key, and a column named rowid');
    return { ...name, columns, allNames, key, constraints };
  }

  async #constraints(name: TableName): Promise<Constraint[]> {
    const rows = await this.#session.rows(
      `SELECT constraint_type, to_json(constraint_column_names), constraint_text FROM duckdb_constraints()
       WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2 ORDER BY constraint_index`,
      [name.schema, name.table],
    );
    return rows.flatMap(([type, columns, text]): Constraint[] => {
      if (type === 'FOREIGN KEY')
        throw refuseTable(name, 'it declares a foreign key of DuckDB, which refuses updates of referenced rows');
      const kind = constraintKinds[String(type)];
      return kind ? [{ kind, columns: [...new Set(JSON.parse(String(columns)) as string[])], text: String(text) }] : [];
    });
  }
}

const constraintKinds: Readonly<Record<string, Constraint['kind']>> = {
  'PRIMARY KEY': 'primary',
  UNIQUE: 'unique',
  CHECK: 'check',
};

function requireCodec(name: TableName, column: string, type: DuckDBType): Codec {
  if (column === '__proto__') throw refuseTable(name, 'a column is named __proto__');
  try {
    return codecFor(type);
  } catch {
    throw refuseTable(name, `column ${column} has the type ${type.toString()}, which a record cannot hold`);
  }
}

/** The primary key's columns, unless keys that DuckDB finds equal may differ. */
function usableKey(columns: readonly ShapeColumn[], constraints: readonly Constraint[]): readonly ShapeColumn[] {
  const names = constraints.find(({ kind }) => kind === 'primary')?.columns ?? [];
  const key = names.flatMap((name) => columns.filter((column) => column.name === name));
  return key.length === names.length && key.every(({ isExact }) => isExact) ? key : [];
}

function refuseTable(name: TableName, reason: string): AppError {
  return new AppError('invalid', `The table ${name.table} cannot be replicated: ${reason}.`, {
    hint: 'Use columns of types that a record can hold; see docs/architecture.md.',
    sqlState: '0A000',
  });
}
