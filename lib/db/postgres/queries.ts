/**
 * Kysely inside a transaction on PostgreSQL.
 *
 * Owns: what a write may run. PostgreSQL's triggers keep every change whatever made it; what DuckDB cannot capture is
 * refused here, too, so that what works on one engine works on the other. The worst that can happen: a COMMIT in the
 * middle of somebody's transaction.
 */
import type { CompiledQuery, QueryResult } from '#packages/kysely';
import { AppError } from '../../errors.ts';
import type { Queries, Row } from '../../values.ts';
import { makeQueries } from '../dialect.ts';
import { describeWrite, requireKeyKept } from '../row-write.ts';
import type { Transaction, TransactionMode } from './transaction.ts';

/** The columns of each table's primary key. */
export type Keys = ReadonlyMap<string, readonly string[]>;

/** Queries of the transaction. `keys`: of the tables whose rows may be written, in a write. */
export function queriesIn(transaction: Transaction, mode: TransactionMode, keys?: Keys): Queries {
  return makeQueries(async (query) => {
    requireAllowed(query, mode);
    if (keys) requireKnownKeyKept(query, keys);
    return run(transaction, query);
  });
}

function requireKnownKeyKept({ query }: CompiledQuery, keys: Keys): void {
  const write = builtWrites.has(query.kind) ? describeWrite(query) : null;
  // The name of DuckDB's schema stands for the one that names without a schema belong to.
  if (!write || write.updates.length === 0 || write.table.schema !== 'main') return;
  const { table } = write.table;
  requireKeyKept(write, { table, key: (keys.get(table) ?? []).map((name) => ({ name })) });
}

async function run(transaction: Transaction, { sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
  const { rows, rowCount, command } = await transaction.run({ text: sql, values: parameters });
  const isChange = command !== null && /^(INSERT|UPDATE|DELETE|MERGE)$/.test(command);
  return { rows, ...(isChange ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) };
}

const builtWrites = new Set(['InsertQueryNode', 'UpdateQueryNode', 'DeleteQueryNode']);
const transactionControl =
  /^(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE\s+TRANSACTION|SET\s+(SESSION|TRANSACTION))\b/;

function requireAllowed({ query, sql }: CompiledQuery, mode: TransactionMode): void {
  if (query.kind === 'SelectQueryNode' || builtWrites.has(query.kind)) return;
  requireNoControl(sql);
  const text = firstWords(sql);
  if (mode !== 'write' || /^(SELECT|WITH|VALUES|TABLE|EXPLAIN|SHOW|DECLARE|FETCH|CLOSE)\b/.test(text)) return;
  throw refuse('It is run as raw SQL, or of a kind that shows no rows.');
}

/** @throws AppError `invalid` for a statement that would end the transaction that it runs in */
export function requireNoControl(sql: string): void {
  if (transactionControl.test(firstWords(sql))) throw refuse('It would end the transaction that it runs in.');
}

/** The beginning of the statement in upper case, past blanks, comments and parentheses. */
function firstWords(sql: string): string {
  return sql
    .replace(/^(?:[\s(;]+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/, '')
    .slice(0, 40)
    .toUpperCase();
}

function refuse(reason: string): AppError {
  return new AppError('invalid', `This statement cannot be captured. ${reason}`, {
    hint: 'Write rows with the query builder (insertInto, updateTable, deleteFrom), and DDL in a migration.',
  });
}
