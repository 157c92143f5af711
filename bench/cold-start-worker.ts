/**
 * One cold start, in a process of its own: `node cold-start-worker.js <way> <store folder> <student>`.
 * Prints one line when it has its first answer, then ends as a function's process ends: without closing anything.
 *
 * Ways: `function` asks the function for `GET /api/students/<id>`, as it is deployed; `bare` loads DuckDB, asks it `SELECT 1` and
 * reads the bytes of the newest snapshot; `bareFunction` does the same to answer a `Request` with a `Response`, which any
 * function must, and which Node takes some time to load.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is deployed. */
interface Bundle {
  readonly default: { readonly fetch: (request: Request) => Promise<Response> };
}

const databaseName = 'student_courses.db';
const [way = '', storeRoot = '', student = ''] = process.argv.slice(2);
const ways: Readonly<Record<string, () => Promise<string>>> = { function: handler, bare, bareFunction };
const run = ways[way];
if (!run) throw new Error(`There is no way "${way}".`);
process.stdout.write(`${await run()}\n`, () => process.exit(0));

async function bare(): Promise<string> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const answer = await connection.runAndReadAll('SELECT 1');
  const snapshots = join(storeRoot, `${databaseName}.snapshots`);
  const newest = (await readdir(snapshots)).toSorted().at(-1) ?? '';
  const bytes = await readFile(join(snapshots, newest));
  return `${answer.getRows().length} ${bytes.byteLength}`;
}

function bareFunction(): Promise<string> {
  return answered(async () => Response.json(await bare()));
}

/** The environment names the store: NETWORK_DB_PATH, and TMPDIR for the slots. */
async function handler(): Promise<string> {
  const { default: server } = (await import(new URL('../dist/server.js', import.meta.url).href)) as Bundle;
  return answered(server.fetch);
}

async function answered(get: (request: Request) => Promise<Response>): Promise<string> {
  const response = await get(new Request(`http://localhost/api/students/${student}`));
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.text();
}
