/**
 * One cold start on a cloud, in a process of its own: `node cloud-start-worker.js <way> <key> <student> <slot folder>`; the
 * environment names the cloud. Prints one line when it has its first answer.
 *
 * Ways: `function` answers `GET /api/students/<id>`; `bare` downloads the object `key` with the SDK as one does who has no
 * Eider, loads DuckDB, opens the file and asks for the same row; `driver` and `sdk` only import, and print the ms.
 */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is deployed. */
interface Bundle {
  readonly default: { readonly fetch: (request: Request) => Promise<Response> };
}

const [way = '', key = '', student = '', folder = ''] = process.argv.slice(2);
const { env } = process;
const cloud = env['S3_BUCKET'] ? 's3' : env['GCS_BUCKET'] ? 'gcs' : 'blob';
if (env['EIDER_TEST_BLOB_SERVER']) await import('../test/support/servers/blob-redirect.ts');

const ways: Readonly<Record<string, () => Promise<string>>> = { function: handler, bare, driver, sdk };
const run = ways[way];
if (!run) throw new Error(`There is no way "${way}".`);
process.stdout.write(`${await run()}\n`, () => process.exit(0));

async function handler(): Promise<string> {
  const { default: server } = (await import(new URL('../dist/server.js', import.meta.url).href)) as Bundle;
  const response = await server.fetch(
    new Request(`http://localhost/api/students/${student}`, {
      headers: { 'x-real-ip': '127.0.0.1' },
    }),
  );
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.text();
}

async function bare(): Promise<string> {
  const path = join(folder, `bare-${process.pid}.duckdb`);
  const downloads = { s3: downloadS3, gcs: downloadGcs, blob: downloadBlob };
  await writeFile(path, await downloads[cloud]());
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

/** The driver's own file of the bundle. */
async function driver(): Promise<string> {
  const functions = join(import.meta.dirname, '../dist');
  const file = (await readdir(functions)).find((name) => name.startsWith(`${cloud}-`));
  if (file === undefined) throw new Error(`The bundle has no driver for ${cloud}.`);
  const began = performance.now();
  await import(join(functions, file));
  return String(performance.now() - began);
}

async function sdk(): Promise<string> {
  const began = performance.now();
  const packages = {
    s3: () => import('@aws-sdk/client-s3'),
    gcs: () => import('@google-cloud/storage'),
    blob: () => import('@vercel/blob'),
  };
  await packages[cloud]();
  return String(performance.now() - began);
}
