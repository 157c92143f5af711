/** https://spec.openapis.org/oas/v3.1.1.html */
import { type Catalog, displayName } from '../../catalog/catalog.ts';
import { isReachable } from '../relations.ts';
import { headerComponents, problemComponents, problemSchema } from './answers.ts';
import { functionSchemas } from './function-schemas.ts';
import { functionPaths } from './functions.ts';
import type { JsonObject } from './json-schema.ts';
import { type DescribedRows, relationSchemas, schemaNamer } from './rows.ts';
import { restPaths, restSchemas } from './rest.ts';
import { parameterComponents, relationPaths } from './tables.ts';

/** Of the interface, not of the program. */
const version = '2.0.0';

export function openApiDocument(catalog: Catalog): JsonObject {
  const all = described(catalog);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Eider',
      version,
      summary: 'Tables of a DuckDB database that persists.',
      description:
        'Each GET has a HEAD with the same headers; OPTIONS says which methods an address has. Dates and times may be `infinity` and `-infinity`; years beyond four digits have a sign and six digits.',
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, {}],
    tags: [...all.map(({ table }) => ({ name: table })), { name: 'functions' }, { name: 'rest' }],
    paths: Object.assign({}, ...all.map(relationPaths), functionPaths(), restPaths) as JsonObject,
    components: {
      schemas: Object.assign(
        { Problem: problemSchema },
        ...all.map(relationSchemas),
        functionSchemas,
        restSchemas,
      ) as JsonObject,
      parameters: parameterComponents,
      headers: headerComponents,
      responses: problemComponents,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'ADMIN_TOKEN or API_TOKEN of the deployment. Not needed for what it leaves open: the machine itself, or reading with PUBLIC_READ.',
        },
      },
    },
  };
}

function described(catalog: Catalog): DescribedRows[] {
  const nameOf = schemaNamer(['Problem', ...Object.keys(functionSchemas), ...Object.keys(restSchemas)]);
  return [...catalog.relations.values()]
    .map((relation) => ({ relation, table: displayName(catalog, relation) }))
    .filter(({ table }) => isReachable(table))
    .map((each) => ({ ...each, name: nameOf(each.table) }));
}
