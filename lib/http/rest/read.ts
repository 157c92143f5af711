/** `GET /api/rest/v1/<table>` */
import { planQuery } from '../../rest/plan.ts';
import { parsePreferences } from '../../rest/preferences.ts';
import { parseQuery } from '../../rest/query.ts';
import { countRows, memberNames, mostRows, readRows } from '../../rest/read.ts';
import { relationNamed } from '../../rest/schemas.ts';
import type { RequestContext } from '../handle.ts';
import { readPrepared } from '../relations.ts';
import { answer, bodyOf, contentRange, formOf, rangeOf, unsatisfiable } from './answer.ts';

export async function restRead(context: RequestContext): Promise<Response> {
  const { headers } = context.request;
  const form = formOf(headers);
  const preferences = parsePreferences(headers.get('prefer'));
  const query = parseQuery(context.address.parameters);
  const { limit, offset } = rangeOf(query.scopes[0], headers);
  const most = Math.min(limit ?? mostRows, mostRows);
  const { rows, total, names } = await readPrepared(
    context,
    (catalog) => {
      const named = relationNamed(catalog, headers.get('accept-profile'), context.address.segments[2] ?? '');
      return planQuery(catalog, named.relation, query);
    },
    async (scope, node) => ({
      rows: await readRows(scope, node, { limit: most, offset, isOnly: !preferences.count }),
      total: preferences.count ? await countRows(scope, node) : null,
      names: memberNames(node),
    }),
  );
  if (total !== null && offset > total)
    throw unsatisfiable(`An offset of ${offset} was requested, but there are only ${total} rows.`);
  const status = total !== null && rows.length < total ? 206 : 200;
  const range = contentRange(offset, rows.length, total);
  return answer({ status, body: bodyOf(form, rows, names), form, preferences, range });
}
