/**
 * One cold start, in a process of its own: `node cold-start-worker.js <way> <store folder> <slot folder> <student>`.
 * Prints one line when it has its first answer, then ends as a function's process ends: without closing anything.
 *
 * Ways: `database` opens the database and reads one row; `function` does so through the function of `GET /api/students`;
 * `bare` loads DuckDB, asks it `SELECT 1` and reads the bytes of the newest snapshot.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const databaseName = 'student_courses.db';
const [way = '', storeRoot = '', slotRoot = '', student = ''] = process.argv.slice(2);
const ways: Readonly<Record<string, () => Promise<string>>> = { database, function: handler, bare };
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

/** As lib/backends.ts opens it. */
async function database(): Promise<string> {
  const [{ createDirectoryStore }, { withRetry }, { systemRuntime: runtime }, { migrations }, { openDuckDbDatabase }] =
    await Promise.all([
      import('../lib/store/directory.ts'),
      import('../lib/store/retry.ts'),
      import('../lib/runtime.ts'),
      import('../lib/schema/migrations/index.ts'),
      import('../lib/db/duckdb/duckdb-database.ts'),
    ]);
  const store = withRetry(createDirectoryStore({ root: storeRoot, create: false, runtime }), { runtime });
  const opened = await openDuckDbDatabase({
    store,
    name: databaseName,
    slotRoot,
    runtime,
    migrations,
    maxStalenessMs: 0,
  });
  const { value } = await opened.read((queries) =>
    queries.selectFrom('students').selectAll().where('id', '=', student).executeTakeFirst(),
  );
  if (!value) throw new Error('The student was not found.');
  return JSON.stringify(value);
}

/** The environment names the store: NETWORK_DB_PATH, and TMPDIR for the slots. */
async function handler(): Promise<string> {
  const { GET } = await import('../api/[table]/[id].ts');
  const response = await GET(
    new Request(`http://localhost/api/students/${student}?table=students&id=${student}`, {
      headers: { 'x-real-ip': '127.0.0.1' },
    }),
  );
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.text();
}
