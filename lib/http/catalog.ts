/** `GET /api/catalog`: all objects, and what the caller may do with them. Its ETag changes with any definition. */
import type { Catalog, Relation } from '../catalog/catalog.ts';
import { displayName } from '../catalog/catalog.ts';
import { refuseParameters } from '../rows/parameters.ts';
import { includes } from '../rows/version.ts';
import { type SqlRights, sqlRights } from './access.ts';
import { parsePrecondition } from './conditions.ts';
import type { Handler } from './handle.ts';
import { inQuery } from './problem.ts';

export const catalogHandler: Handler = async (context) => {
  inQuery(() => refuseParameters(context.address.parameters));
  const { noneMatch } = parsePrecondition(context.request.headers);
  const database = await context.database();
  const catalog = await database.catalog({ ...context.readOptions, maxStalenessMs: 0 });
  const rights = sqlRights(context.role);
  const tag = `${catalog.etag}-${rights}`;
  const headers = { etag: `"${tag}"`, 'content-type': 'application/json' };
  if (noneMatch !== undefined && includes(noneMatch, tag)) return new Response(null, { status: 304, headers });
  return new Response(JSON.stringify(describe(catalog, rights), bigintsAsText), { headers });
};

function describe(catalog: Catalog, rights: SqlRights) {
  const { engine, defaultSchema, macros } = catalog;
  return {
    engine,
    defaultSchema,
    may: { read: true, writeRows: rights !== 'read', define: rights === 'definitions' },
    relations: [...catalog.relations.values()].map((relation) => describeRelation(catalog, relation)),
    macros: macros.map((macro) => ({ ...macro })),
    enums: enumsOf(catalog),
  };
}

function describeRelation(catalog: Catalog, relation: Relation) {
  return { ...relation, path: displayName(catalog, relation) };
}

/** By the words that the engine has for them. */
function enumsOf({ relations }: Catalog) {
  const enums = new Map<string, readonly string[]>();
  for (const { columns } of relations.values()) {
    for (const { type, sqlType } of columns) if (type.kind === 'enum') enums.set(sqlType, type.values);
  }
  return [...enums].map(([name, values]) => ({ name, values }));
}

function bigintsAsText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
