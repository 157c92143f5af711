/**
 * The OpenAPI document of this deployment, made from its tables. https://spec.openapis.org/oas/v3.1.1.html
 *
 * Owns: putting it together. The worst that can happen: a document that promises what is not served; every answer in the
 * tests is held against it, and a client that is generated from it is used in one.
 */
import type { Schema } from '../../schema/table.ts';
import { headerComponents, problemComponents, problemSchema } from './answers.ts';
import { functionSchemas } from './function-schemas.ts';
import { functionPaths } from './functions.ts';
import type { JsonObject } from './json-schema.ts';
import { tableSchemas } from './rows.ts';
import { parameterComponents, tablePaths } from './tables.ts';

/** Of the interface, not of the program. */
const version = '1.0.0';

export function openApiDocument({ tables }: Schema): JsonObject {
  const all = [...tables.values()];
  return {
    openapi: '3.1.1',
    info: {
      title: 'Eider',
      version,
      summary: 'Tables of a DuckDB database that persists.',
      description: 'Each GET has a HEAD with the same headers; OPTIONS says which methods an address has.',
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, {}],
    tags: [...all.map(({ name }) => ({ name })), { name: 'functions' }],
    paths: Object.assign({}, ...all.map(tablePaths), functionPaths()) as JsonObject,
    components: {
      schemas: Object.assign({ Problem: problemSchema }, ...all.map(tableSchemas), functionSchemas) as JsonObject,
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
