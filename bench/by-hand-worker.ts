/**
 * The servers that one writes without Eider, as small as they can be: `node by-hand-worker.ts <engine> <upload>`. They
 * answer `POST /api/students` and `GET /api/students/<id>`, one statement a request, and print where they listen.
 *
 * Engines: `duckdb` and `sqlite` in this process, `pg` with a pool of ten connections. Uploads: `before` the answer or in the
 * `background` the whole file goes to S3, where the next process finds it; `none`. Writes that arrive while a file is on
 * its way share the next one.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { s3Objects } from './s3-objects.ts';

interface Student {
  readonly name: string;
  readonly email: string;
}

interface Engine {
  create(student: Student): Promise<unknown>;
  find(id: string): Promise<unknown>;
  /** The whole database, as it is after the last write. */
  file(): Promise<Uint8Array>;
}

const [engineName = '', upload = 'none'] = process.argv.slice(2);
const { TMPDIR: folder = '', DATABASE_URL, FILE_KEY: key = '' } = process.env;
const path = join(folder, 'by-hand.db');
const objects = upload === 'none' ? null : s3Objects(process.env);

const downloaded = await objects?.get(key);
if (downloaded) await writeFile(path, downloaded);
const engines: Readonly<Record<string, () => Promise<Engine>>> = { duckdb, sqlite, pg };
const engine = await engines[engineName]!();
const uploads = objects === null ? null : shared(async () => objects.put(key, await engine.file()));

const server = createServer((incoming, outgoing) => {
  void answer(incoming)
    .catch((error: Error): [number, unknown] => [500, error.message])
    .then(([status, body]) => {
      const json = JSON.stringify(body);
      outgoing.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) });
      return outgoing.end(json);
    });
});
// As long as Eider keeps a connection that idles.
server.keepAliveTimeout = 65_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`);
});

async function answer(incoming: IncomingMessage): Promise<[number, unknown]> {
  if (incoming.method === 'POST') {
    const row = await engine.create(JSON.parse(await text(incoming)) as Student);
    const uploading = uploads?.();
    if (upload === 'before') await uploading;
    return [201, row];
  }
  const row = await engine.find(incoming.url!.slice('/api/students/'.length));
  return row === undefined ? [404, null] : [200, row];
}

/** Runs the work once more after each call; calls that wait for a run to end share the next. */
function shared(work: () => Promise<void>): () => Promise<void> {
  let last = Promise.resolve();
  let next: Promise<void> | null = null;
  return () =>
    (next ??= last =
      last.then(() => {
        next = null;
        return work();
      }));
}

async function duckdb(): Promise<Engine> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const isNew = !existsSync(path);
  // Small statements are slower with more threads.
  const instance = await DuckDBInstance.create(path, { threads: '1' });
  const writing = await instance.connect();
  const reading = await Promise.all([1, 2, 3].map(() => instance.connect()));
  if (isNew) {
    await writing.run(`CREATE TABLE students (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), name TEXT NOT NULL,
      email TEXT NOT NULL UNIQUE, created_at TIMESTAMPTZ NOT NULL DEFAULT now(), updated_at TIMESTAMPTZ NOT NULL DEFAULT now())`);
  }
  // A file can be taken only between two writes.
  const alone = inLine();
  let reads = 0;
  const first = (rows: { getRowObjectsJson(): unknown[] }): unknown => rows.getRowObjectsJson()[0];
  return {
    create: ({ name, email }) =>
      alone(async () =>
        first(
          await writing.runAndReadAll('INSERT INTO students (name, email) VALUES ($1, $2) RETURNING *', [name, email]),
        ),
      ),
    find: async (id) =>
      first(await reading[reads++ % reading.length]!.runAndReadAll('SELECT * FROM students WHERE id = $1', [id])),
    file: () =>
      alone(async () => {
        await writing.run('FORCE CHECKPOINT');
        return readFile(path);
      }),
  };
}

async function sqlite(): Promise<Engine> {
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(path);
  // What is written meanwhile goes into the write-ahead log, so a file that is being read does not change.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0');
  database.exec(`CREATE TABLE IF NOT EXISTS students (id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)`);
  const insert = database.prepare('INSERT INTO students (id, name, email) VALUES (?, ?, ?) RETURNING *');
  const select = database.prepare('SELECT * FROM students WHERE id = ?');
  const alone = inLine();
  return {
    create: ({ name, email }) => Promise.resolve(insert.get(crypto.randomUUID(), name, email)),
    find: (id) => Promise.resolve(select.get(id)),
    file: () =>
      alone(() => {
        database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        return readFile(path);
      }),
  };
}

async function pg(): Promise<Engine> {
  const { Pool } = await import('pg');
  const pool = new Pool({ connectionString: DATABASE_URL, max: 10 });
  await pool.query(`CREATE TABLE IF NOT EXISTS students (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE, created_at TIMESTAMPTZ NOT NULL DEFAULT now(), updated_at TIMESTAMPTZ NOT NULL DEFAULT now())`);
  return {
    create: async ({ name, email }) =>
      (await pool.query('INSERT INTO students (name, email) VALUES ($1, $2) RETURNING *', [name, email])).rows[0],
    find: async (id) => (await pool.query('SELECT * FROM students WHERE id = $1', [id])).rows[0],
    file: () => Promise.reject(new Error('The database of a server is no file.')),
  };
}

/** One after another. */
function inLine(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const running = last.then(work);
    last = running.catch(() => undefined);
    return running;
  };
}
