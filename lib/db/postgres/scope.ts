import type { QueryResult } from 'kysely';
import type { Catalog } from '../../catalog/catalog.ts';
import { readPostgresCatalog } from '../../catalog/postgres.ts';
import { AppError } from '../../errors.ts';
import type { StatementResult } from '../../sql/result.ts';
import { splitStatements, tokensOf } from '../../sql/tokens.ts';
import type { PlainValue, Row } from '../../values.ts';
import type { Scope } from '../database.ts';
import { makeQueries } from '../dialect.ts';
import type { LoneStatements } from './alone.ts';
import type { PostgresCatalogs } from './catalogs.ts';
import type { PostgresResult as Ran } from './pool.ts';
import { typeName } from './values.ts';
import type { PostgresTransaction } from './transaction.ts';

interface WorkParts {
  readonly catalogs: PostgresCatalogs;
  readonly lone: LoneStatements;
}

/** `onDefinitions`: called with the catalog from before a statement that may have changed it. */
export async function openWork(
  transaction: PostgresTransaction,
  { catalogs, lone }: WorkParts,
  onDefinitions?: (before: Catalog) => Promise<void>,
) {
  let catalog = await catalogs.of(transaction);
  let hasChanged = false;
  const follow = async (ran: Ran): Promise<void> => {
    if (!mayChangeDefinitions(ran)) return;
    const before = catalog;
    hasChanged = true;
    catalog = await readPostgresCatalog((text) => transaction.rows(text));
    await onDefinitions?.(before);
  };
  const queries = makeQueries(async (query) => {
    if (query.query.kind === 'RawNode') {
      requireAllowed(query.sql);
      transaction.mayChangeSession();
    }
    const ran = await transaction.run({ text: query.sql, values: query.parameters });
    await follow(ran);
    return queryResult(ran);
  });
  const scope: Scope = {
    get catalog() {
      return catalog;
    },
    run: async (sql, values = [], untrusted) => {
      if (!untrusted) transaction.mayChangeSession();
      const run = (): Promise<Ran> => runText(transaction, sql, values);
      // The parser is loaded on first use.
      const ran = await (untrusted
        ? (await import('./query/query.ts')).runUntrusted(transaction, hasChanged ? null : catalogs, sql, run)
        : run());
      await follow(ran);
      return statementResult(ran);
    },
    runAlone: async (text, values, alone) => statementResult(await lone.run(transaction, { text, values, ...alone })),
  };
  return { queries, scope };
}

/** Runs one statement as it is written. @throws AppError `invalid` for several, and for one that would end the transaction */
export async function runStatement(
  transaction: PostgresTransaction,
  sql: string,
  values: readonly PlainValue[] = [],
): Promise<StatementResult> {
  return statementResult(await runText(transaction, sql, values));
}

function runText(transaction: PostgresTransaction, sql: string, values: readonly PlainValue[]): Promise<Ran> {
  requireAllowed(sql);
  return transaction.run({ text: sql, values, rowMode: 'array' });
}

function statementResult({ command, fields, rows, rowCount }: Ran): StatementResult {
  return {
    command: command ?? '',
    columns: fields.map((field) => ({ name: field.name, type: typeName(field) })),
    rows: rows as unknown as readonly (readonly PlainValue[])[],
    rowCount,
  };
}

function queryResult({ rows, rowCount, command }: Ran): QueryResult<Row> {
  const isChange = command !== null && /^(INSERT|UPDATE|DELETE|MERGE)$/.test(command);
  return { rows, ...(isChange ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}) };
}

const rowCommands = /^(?:SELECT|INSERT|UPDATE|DELETE|MERGE|TRUNCATE|SHOW|EXPLAIN)$/;

/** CREATE TABLE … AS calls itself a SELECT, but answers no columns. */
function mayChangeDefinitions({ command, fields }: Ran): boolean {
  return command === 'SELECT' ? fields.length === 0 : !rowCommands.test(command ?? '');
}

const control = new Set(['BEGIN', 'START', 'COMMIT', 'END', 'ROLLBACK', 'ABORT', 'SAVEPOINT', 'RELEASE']);
const sessions = new Set(['SET', 'RESET', 'DISCARD', 'LISTEN', 'UNLISTEN', 'LOAD', 'PREPARE', 'DEALLOCATE']);

/** Without parameters the drivers would send several as they are, COMMIT among them. Sessions are lent to others afterwards. */
function requireAllowed(sql: string): void {
  const [first = '', second = ''] = wordsOf(sql);
  if (control.has(first)) {
    throw refuse(
      `${first} would end the transaction that it runs in.`,
      'Leave it out: each request is one transaction.',
    );
  }
  if (!sessions.has(first) || (first === 'SET' && (second === 'LOCAL' || second === 'CONSTRAINTS'))) return;
  throw refuse(
    `${first} would change the session, which other requests share.`,
    'Use SET LOCAL, which ends with the transaction.',
  );
}

function wordsOf(sql: string): string[] {
  try {
    const count = splitStatements(sql).length;
    if (count === 1) return tokensOf(sql).map(({ keyword }) => keyword);
    throw refuse(`One statement is expected here, but there are ${count}.`, 'Send them one after the other.', '42601');
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw refuse(`The statement cannot be parsed: ${cause.message}.`, 'Check its quotes and brackets.', '42601');
  }
}

function refuse(message: string, hint: string, sqlState = '0A000'): AppError {
  return new AppError('invalid', message, { sqlState, hint });
}
