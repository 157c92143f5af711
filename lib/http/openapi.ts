/**
 * The function that answers the OpenAPI document.
 *
 * Owns: that it is made when it is asked for, once. It needs no database.
 */
import type { App } from '../app.ts';
import { refuseParameters } from '../schema/list/parameters.ts';
import type { Handler } from './handle.ts';
import { inQuery } from './problem.ts';

export function openApiHandler(app: App): Handler {
  let text: Promise<string> | null = null;
  return async (context) => {
    inQuery(() => refuseParameters(context.address.parameters));
    text ??= makeDocument(app);
    return new Response(await text, { headers: { 'content-type': 'application/json' } });
  };
}

/** Loaded here: other functions need none of it. */
async function makeDocument(app: App): Promise<string> {
  const { openApiDocument } = await import('./openapi/document.ts');
  return JSON.stringify(openApiDocument(app.schema));
}
