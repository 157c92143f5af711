/**
 * The shape of tables as replay and capture need it, and which tables can be captured at all.
 *
 * Owns: what a replicated table must be: a primary key of comparable types, columns whose every value survives a
 * record, nothing that keeps state outside rows. The worst that can happen: a table accepted here whose rows replay
 * differently, so every doubt is a refusal, with the reason.
 */
import { DuckDBTypeId, type DuckDBType } from '@duckdb/node-api';
import { AppError } from '../errors.ts';
import { codecFor, type Codec } from './codec.ts';
import { quoteTable, type Session } from './sql.ts';

export interface Column {
  readonly name: string;
  readonly type: DuckDBType;
  readonly codec: Codec;
}

export interface TableShape {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly Column[];
  /** The primary key's columns, in its order. */
  readonly key: readonly Column[];
}

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Types whose equality in a primary key is equality of their plain values. */
const keyTypes: ReadonlySet<DuckDBTypeId> = new Set([
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

/** The shapes of a replica's tables, read when first needed. `forget` after DDL. */
export class Catalog {
  readonly #session: Session;
  readonly #shapes = new Map<string, TableShape>();

  constructor(session: Session) {
    this.#session = session;
  }

  forget(): void {
    this.#shapes.clear();
  }

  /** The shape of a table that can be captured; `invalid` with the reason when it cannot be. */
  async shape(name: TableName): Promise<TableShape> {
    const id = quoteTable(name);
    const known = this.#shapes.get(id);
    if (known) return known;
    const columns = await this.#columns(name);
    const refusal = await this.#refusal(name, columns);
    if (refusal !== null) throw refuseTable(name, refusal);
    const keyNames = await this.#keyNames(name);
    const shape = {
      ...name,
      columns: columns.map(({ name: column, type }) => ({ name: column, type, codec: codecFor(type) })),
      key: [] as Column[],
    };
    for (const keyName of keyNames) shape.key.push(...shape.columns.filter((column) => column.name === keyName));
    this.#shapes.set(id, shape);
    return shape;
  }

  /** Every table of the database that cannot be captured, with its reason. */
  async refusals(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const name of await this.tables()) {
      const reason = await this.#refusal(name, await this.#columns(name));
      if (reason !== null) found.set(quoteTable(name), reason);
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

  async #columns(name: TableName): Promise<{ name: string; type: DuckDBType }[]> {
    const result = await this.#session.connection.run(`SELECT * FROM ${quoteTable(name)} LIMIT 0`);
    const types = result.columnTypes();
    return result.columnNames().map((column, index) => ({ name: column, type: types[index]! }));
  }

  async #keyNames(name: TableName): Promise<string[]> {
    const rows = await this.#session.rows(
      `SELECT unnest(constraint_column_names) FROM duckdb_constraints()
       WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2 AND constraint_type = 'PRIMARY KEY'`,
      [name.schema, name.table],
    );
    return rows.map(([column]) => String(column));
  }

  async #refusal(name: TableName, columns: readonly { name: string; type: DuckDBType }[]): Promise<string | null> {
    const keys = new Set(await this.#keyNames(name));
    if (keys.size === 0) return 'it has no primary key';
    for (const { name: column, type } of columns) {
      if (column === '__proto__') return 'a column is named __proto__';
      if (!isCapturable(type)) return `column ${column} has the type ${type.toString()}, which a record cannot hold`;
      if (keys.has(column) && !keyTypes.has(type.typeId))
        return `column ${column} of the primary key has the type ${type.toString()}`;
    }
    return this.#definitionRefusal(name);
  }

  async #definitionRefusal(name: TableName): Promise<string | null> {
    const [row] = await this.#session.rows(
      `SELECT sql FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2`,
      [name.schema, name.table],
    );
    const definition = withoutLiterals(String(row?.[0] ?? ''));
    if (/\bGENERATED\s+ALWAYS\b/i.test(definition)) return 'it has a generated column';
    if (/\bnextval\b/i.test(definition))
      return 'a default takes numbers from a sequence, whose state is not replicated';
    if (/\bCOLLATE\b/i.test(definition)) return 'a column has a collation';
    if (/\bFOREIGN\s+KEY\b|\bREFERENCES\b/i.test(definition)) {
      return 'it declares a foreign key (DuckDB refuses updates of referenced rows; check references when writing instead)';
    }
    return null;
  }
}

function isCapturable(type: DuckDBType): boolean {
  try {
    codecFor(type);
    return true;
  } catch {
    return false;
  }
}

/** The text without quoted strings and names, so that a word inside one is not taken for syntax. */
function withoutLiterals(sql: string): string {
  return sql.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"/g, '_');
}

function refuseTable(name: TableName, reason: string): AppError {
  return new AppError('invalid', `The table ${name.table} cannot be replicated: ${reason}.`, {
    hint: 'Give it a primary key of plain types and columns of types that a record can hold; see docs/architecture.md.',
  });
}
