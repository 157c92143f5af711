/** The function that answers the OpenAPI document of this deployment, made of the catalog; its tag is the catalog's. */
import type { Catalog } from '../catalog/catalog.ts';
import { includes } from '../rows/version.ts';
import { refuseParameters } from '../rows/parameters.ts';
import { parsePrecondition } from './conditions.ts';
import type { Handler } from './handle.ts';
import { inQuery } from './problem.ts';

export function openApiHandler(): Handler {
  let last: { readonly etag: string; readonly text: Promise<string> } | null = null;
  return async (context) => {
    inQuery(() => refuseParameters(context.address.parameters));
    const { noneMatch } = parsePrecondition(context.request.headers);
    const database = await context.database();
    const catalog = await database.catalog(context.readOptions);
    const headers = { etag: `"${catalog.etag}"`, 'content-type': 'application/json' };
    if (noneMatch !== undefined && includes(noneMatch, catalog.etag))
      return new Response(null, { status: 304, headers });
    if (last?.etag !== catalog.etag) last = { etag: catalog.etag, text: makeDocument(catalog) };
    return new Response(await last.text, { headers });
  };
}

/** Imported when needed: other endpoints do without it. */
async function makeDocument(catalog: Catalog): Promise<string> {
  const { openApiDocument } = await import('./openapi/document.ts');
  return JSON.stringify(openApiDocument(catalog));
}
