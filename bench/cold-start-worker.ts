/**
 * One cold start, in a process of its own: `node cold-start-worker.js <way> <student> <folder>`; the environment names the
 * store. Prints one line when it has its first answer, then ends as a function's process ends: without closing anything.
 *
 * Ways: `function` asks the function for `GET /api/students/<id>`, as it is deployed; `bare` downloads the published file
 * with the SDK as one does who has no Eider, loads DuckDB, opens the file and asks for the same row. In a folder there is nothing to
 * download: there it reads the file's bytes, and asks an empty DuckDB for a 1.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is deployed. */
interface Bundle {
  readonly default: { readonly fetch: (request: Request) => Promise<Response> };
}

const [way = '', student = '', folder = ''] = process.argv.slice(2);
const { env } = process;
const key = 'student_courses.db';
if (env['EIDER_TEST_BLOB_SERVER']) await import('../test/support/servers/blob-redirect.ts');
const answer = await (way === 'function' ? handler() : env['NETWORK_DB_PATH'] ? bareFolder() : bareCloud());
process.stdout.write(`${answer}\n`, () => process.exit(0));

async function handler(): Promise<string> {
  const { default: server } = (await import(new URL('../dist/server.js', import.meta.url).href)) as Bundle;
  const headers = { 'x-real-ip': '127.0.0.1' };
  const response = await server.fetch(new Request(`http://localhost/api/students/${student}`, { headers }));
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.text();
}

async function bareFolder(): Promise<string> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const answered = await connection.runAndReadAll('SELECT 1');
  const bytes = await readFile(join(env['NETWORK_DB_PATH']!, key));
  return `${answered.getRows().length} ${bytes.byteLength}`;
}

async function bareCloud(): Promise<string> {
  const path = join(folder, `bare-${process.pid}.duckdb`);
  const download = env['S3_BUCKET'] ? downloadS3 : env['GCS_BUCKET'] ? downloadGcs : downloadBlob;
  await writeFile(path, await download());
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(path)).connect();
  const rows = await connection.runAndReadAll('SELECT * FROM students WHERE id = $1', [student]);
  if (rows.currentRowCount !== 1) throw new Error('The student was not found.');
  return JSON.stringify(rows.getRowsJson());
}

async function downloadS3(): Promise<Uint8Array> {
  const { GetObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    region: 'auto',
    endpoint: env['S3_ENDPOINT']!,
    forcePathStyle: true,
    credentials: { accessKeyId: env['AWS_ACCESS_KEY_ID']!, secretAccessKey: env['AWS_SECRET_ACCESS_KEY']! },
  });
  const { Body } = await client.send(new GetObjectCommand({ Bucket: env['S3_BUCKET']!, Key: key }));
  return Body!.transformToByteArray();
}

async function downloadGcs(): Promise<Uint8Array> {
  const { Storage } = await import('@google-cloud/storage');
  const storage = new Storage({ apiEndpoint: env['GCS_ENDPOINT']!, projectId: 'bench' });
  const [bytes] = await storage.bucket(env['GCS_BUCKET']!).file(key).download();
  return bytes;
}

async function downloadBlob(): Promise<Uint8Array> {
  const { get } = await import('@vercel/blob');
  const found = await get(key, { access: 'private', useCache: false });
  return new Uint8Array(await new Response(found!.stream).arrayBuffer());
}
