/** The names that a text of a user's uses: tables and views of the user's, functions that compute, types of the user's. */
import { isUsers } from '../../../catalog/postgres.ts';
import { AppError } from '../../../errors.ts';
import type { Runtime } from '../../../runtime.ts';
import type { QueryRequest } from '../../database.ts';
import type { PostgresCatalogs } from '../catalogs.ts';
import type { PostgresTransaction } from '../transaction.ts';
import { refuse, type UsedNames } from './grammar.ts';
import { parseStatement } from './parser.ts';
import type { ParsedStatement } from './parser-thread.ts';

export function checkQuery(
  { sql, calls }: Pick<QueryRequest, 'sql' | 'calls'>,
  runtime: Runtime,
): Promise<ParsedStatement> {
  return parseStatement({ sql, calls, isQuery: true }, runtime);
}

/** By the definitions that they were judged by; names are few, and many texts share them. */
const allowedNames = new WeakMap<PostgresCatalogs, { fingerprint: string; readonly names: Set<string> }>();
const mostAllowed = 500;

/**
 * What was allowed before is not looked up again while definitions are the same. `catalogs`: null in a transaction that has
 * changed some itself.
 *
 * @throws AppError
 */
export async function requireAllowedNames(
  transaction: PostgresTransaction,
  catalogs: PostgresCatalogs | null,
  names: UsedNames,
): Promise<void> {
  if (catalogs === null) return requireNames(transaction, names);
  const { tables, common, fields, types } = names;
  const key = JSON.stringify([tables, common, fields, types].map((each) => [...each].toSorted()));
  const fingerprint = await catalogs.fingerprintOf(transaction);
  const known = allowedNames.get(catalogs);
  if (known?.fingerprint === fingerprint && known.names.has(key)) return;
  await requireNames(transaction, names);
  const isSame = known?.fingerprint === fingerprint && known.names.size < mostAllowed;
  if (isSame) known.names.add(key);
  else allowedNames.set(catalogs, { fingerprint, names: new Set([key]) });
}

type ViewFound = {
  readonly oid: number;
  readonly name: string;
  readonly schema: string;
  /** Found without its schema. */
  readonly visible: boolean;
  readonly isView: boolean;
};

/** Tables and views of the user's. */
const relationsSql = `
  SELECT c.oid::int8::float8 AS oid, c.relname AS name, n.nspname AS schema, pg_catalog.pg_table_is_visible(c.oid) AS visible,
    c.relkind = 'v' AS "isView"
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v') AND c.relpersistence <> 't' AND ${isUsers}`;

/** A view is checked like a query: its owner may have had more rights. */
async function requireViews(
  transaction: PostgresTransaction,
  views: readonly ViewFound[],
  seen: Set<number>,
): Promise<void> {
  for (const { oid } of views.filter((view) => !seen.has(view.oid))) {
    seen.add(oid);
    const [row] = await transaction.rows<{ sql: string }>('SELECT pg_catalog.pg_get_viewdef($1::oid) AS sql', [oid]);
    if (row) await requireNames(transaction, (await checkQuery({ sql: row.sql }, transaction.runtime)).names, seen);
  }
}

async function requireNames(
  transaction: PostgresTransaction,
  { tables, common, fields, types }: UsedNames,
  seen = new Set<number>(),
): Promise<void> {
  const [rows, forbidden] = await Promise.all([
    transaction.rows<ViewFound>(relationsSql),
    transaction.rows<{ kind: ForbiddenKind; name: string }>(forbiddenSql, [[...common], [...fields], [...types]]),
  ]);
  const visible = rows.filter((row) => row.visible).map(({ name }) => name);
  const isUsed = ({ name, schema, visible: isFound }: ViewFound): boolean =>
    (isFound && tables.has(name)) || tables.has(`${schema}.${name}`);
  await requireViews(
    transaction,
    rows.filter((row) => row.isView && isUsed(row)),
    seen,
  );
  const present = new Set([...visible, ...rows.map(({ schema, name }) => `${schema}.${name}`)]);
  const missing = [...tables].find((name) => !present.has(name));
  if (missing !== undefined) {
    throw new AppError('invalid', `There is no table "${missing}" that a query may read.`, {
      sqlState: '42P01',
      hint: `These may be read: ${visible.join(', ')}.`,
    });
  }
  const bad = forbidden.find(({ kind, name }) => kind !== 'common' || !present.has(name));
  if (bad) throw refuse(`${forbiddenKinds[bad.kind]} ${bad.name}`);
}

const forbiddenKinds = { common: 'a WITH by the name', function: 'the function', type: 'the type' } as const;
type ForbiddenKind = keyof typeof forbiddenKinds;

/**
 * Of names of a WITH, those that are a table somewhere; of names behind a dot, functions that
 * do more than compute or cast; of types, those of the system.
 */
const forbiddenSql = `
  SELECT 'common' AS kind, relname AS name FROM pg_catalog.pg_class WHERE relname = ANY ($1)
    AND (relnamespace = 'pg_catalog'::pg_catalog.regnamespace OR pg_catalog.pg_table_is_visible(oid))
  UNION ALL SELECT 'function', p.proname FROM pg_catalog.pg_proc p
    WHERE p.proname = ANY ($2) AND p.pronargs > 0
      AND NOT (p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND (p.provolatile = 'i'
        OR p.oid IN (SELECT castfunc FROM pg_catalog.pg_cast WHERE casttarget <> 'pg_catalog.regclass'::pg_catalog.regtype)))
  UNION ALL SELECT 'type', given.name FROM unnest($3::text[]) AS given (name)
    WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
      WHERE t.typname = given.name AND ${isUsers})
      OR EXISTS (SELECT 1 FROM pg_catalog.pg_type WHERE typname = given.name
        AND typnamespace = 'pg_catalog'::pg_catalog.regnamespace)`;
