/** Thirty requests at once, to one server and to two on one drive, write to one database, and all are kept. */
import { DuckDBInstance } from '@duckdb/node-api';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServedProject, startServer } from '../../support/programs.ts';

const requests = 30;

let folder: string;
let drive: string;
let servers: ServedProject[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-parallel-'));
  drive = join(folder, 'drive');
  await mkdir(drive);
  servers = [];
  for (const name of ['one', 'two']) {
    // Temporary folders of their own, as on two machines.
    const temporary = join(folder, name);
    await mkdir(temporary);
    const environment = { NETWORK_DB_PATH: drive, TMPDIR: temporary };
    servers.push(await startServer({ cwd: temporary, environment }));
  }
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
});

const addressOf = (server: ServedProject, path: string): string => `${server.url}/api/${path}`;

/** Posts at once, by turns to each of the servers. Answers the e-mail addresses of the rows, as they were answered. */
async function postStudents(to: readonly ServedProject[], domain: string): Promise<string[]> {
  const posts = Array.from({ length: requests }, async (_, index) => {
    const student = { name: `Student ${index}`, email: `student${index}@${domain}` };
    const response = await fetch(addressOf(to[index % to.length]!, 'students'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(student),
    });
    const row = (await response.json()) as { email?: string; detail?: string };
    expect([response.status, row.detail]).toEqual([201, undefined]);
    return row.email ?? '';
  });
  return (await Promise.all(posts)).toSorted();
}

async function emailsOf(server: ServedProject, domain: string): Promise<string[]> {
  const response = await fetch(addressOf(server, `students?email=like.*@${domain}&limit=100&order=email`));
  const { data } = (await response.json()) as { data: { email: string }[] };
  return data.map(({ email }) => email).toSorted();
}

/** E-mail addresses in the published file, by a plain DuckDB client. */
async function publishedEmails(): Promise<string[]> {
  const copy = join(folder, 'published.db');
  await copyFile(join(drive, 'student_courses.db'), copy);
  const instance = await DuckDBInstance.create(copy, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll('SELECT email FROM students')).getRows();
  connection.disconnectSync();
  instance.closeSync();
  return rows.map(([email]) => String(email)).toSorted();
}

test(
  'thirty parallel posts to one server, then to two, are all there and all published',
  { timeout: 300_000 },
  async () => {
    const one = await postStudents([servers[0]!], 'one.example');
    const two = await postStudents(servers, 'two.example');
    expect(new Set([...one, ...two]).size).toBe(2 * requests);
    for (const server of servers) {
      expect(await emailsOf(server, 'one.example')).toEqual(one);
      expect(await emailsOf(server, 'two.example')).toEqual(two);
    }
    const synced = await fetch(addressOf(servers[1]!, 'db-sync'), { method: 'POST' });
    expect(synced.status).toBe(200);
    expect(await publishedEmails()).toEqual([...one, ...two].toSorted());
  },
);
