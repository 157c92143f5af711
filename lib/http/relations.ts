/**
 * The relation that a request is about, and the catalog in which it stands.
 *
 * A read asks the catalog of its own transaction, so it finds a table that another instance made a moment ago. A write
 * is checked before its transaction, against what this process knows; where that refuses it and a fresh look shows
 * other definitions, once more against those.
 */
import { type Catalog, displayName, findRelation, type Relation } from '../catalog/catalog.ts';
import type { Answer, Scope } from '../db/database.ts';
import { AppError, isAppError } from '../errors.ts';
import { listed } from '../rows/names.ts';
import type { RequestContext } from './handle.ts';
import { RequestError } from './problem.ts';

/** A relation that a request may name, and its name in addresses. */
export interface Named {
  readonly relation: Relation;
  /** As addresses and commands call it. */
  readonly table: string;
}

/** @throws AppError `not-found` */
export function relationNamed(catalog: Catalog, name: string): Named {
  const relation = findRelation(catalog, name);
  if (relation) return { relation, table: displayName(catalog, relation) };
  const known = [...catalog.relations.values()].map((each) => displayName(catalog, each));
  const message = known.length === 0 ? 'There are none yet.' : `The tables are: ${listed(known)}.`;
  throw new AppError('not-found', `There is no table "${name}". ${message}`);
}

/** @throws RequestError 405 with the reason */
export function requireWritable({ relation, table }: Named): void {
  if (relation.readOnly === null) return;
  throw new RequestError(405, `${table} can only be read. ${relation.readOnly}`, { headers: { allow: 'GET, HEAD' } });
}

/**
 * Reads from the relation of this name. `parse` finds out what is asked for, `run` reads it, in one transaction.
 *
 * @throws AppError what they throw
 */
export function readRelation<Asked, T>(
  context: RequestContext,
  name: string,
  parse: (named: Named) => Asked,
  run: (scope: Scope, asked: Asked, named: Named) => Promise<T>,
  together?: string,
): Promise<T> {
  const prepare = (catalog: Catalog): { readonly named: Named; readonly asked: Asked } => {
    const named = relationNamed(catalog, name);
    return { named, asked: parse(named) };
  };
  return readPrepared(context, prepare, (scope, { asked, named }) => run(scope, asked, named), together);
}

/**
 * Reads what `prepare` makes of the catalog of the same transaction. `together`: see ReadOptions.
 *
 * @throws AppError what they throw
 */
export async function readPrepared<Asked, T>(
  context: RequestContext,
  prepare: (catalog: Catalog) => Asked,
  run: (scope: Scope, asked: Asked) => Promise<T>,
  together?: string,
): Promise<T> {
  const database = await context.database();
  const answer: Answer<() => T> = await database.read(
    async (_queries, scope) => {
      const asked = attempt(() => prepare(scope.catalog));
      if ('error' in asked) return () => rethrow(asked.error);
      const value = await run(scope, asked.value);
      return () => value;
    },
    { ...context.readOptions, together },
  );
  // Unwrapped first: not found in a standby's state is another error.
  return context.unwrap(answer)();
}

/** What `prepare` makes of the catalog. @throws AppError what it throws of a fresh catalog */
export async function withCatalog<T>(context: RequestContext, prepare: (catalog: Catalog) => T): Promise<T> {
  const database = await context.database();
  const known = await database.catalog();
  const prepared = attempt(() => prepare(known));
  if (!('error' in prepared)) return prepared.value;
  const fresh = await database.catalog({ ...context.readOptions, maxStalenessMs: 0 });
  if (fresh.etag === known.etag) throw prepared.error;
  return prepare(fresh);
}

/** @throws RequestError 405, AppError `not-found` */
export function writableTable(context: RequestContext, name: string): Promise<Named> {
  return withCatalog(context, (catalog) => {
    const named = relationNamed(catalog, name);
    requireWritable(named);
    return named;
  });
}

type LookUp<T> = { readonly value: T } | { readonly error: AppError };

function attempt<T>(work: () => T): LookUp<T> {
  try {
    return { value: work() };
  } catch (error) {
    if (isAppError(error, 'invalid', 'not-found')) return { error };
    throw error;
  }
}

function rethrow(error: AppError): never {
  throw error;
}

/** Functions under /api; a table that is called like one of them is not found there. */
export const functionNames: ReadonlySet<string> = new Set([
  'catalog',
  'changes',
  'db-status',
  'db-sync',
  'export',
  'import',
  'openapi',
  'rest',
  'sql',
]);

/** Whether /api/<table> is the table. */
export function isReachable(table: string): boolean {
  return table !== '' && table !== '.' && table !== '..' && !functionNames.has(table);
}
