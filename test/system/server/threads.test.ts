/** Reads that take long hold no thread that others wait for. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../../support/engine.ts';
import { startServer } from '../../support/programs.ts';

const token = 'admin-token-of-some-length';
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

test('a read by key and a write are answered while eight long reads run', { timeout: 120_000 }, async () => {
  const folder = await temporaryFolder();
  const environment = { TMPDIR: folder, LOCAL_DB_PATH: join(folder, 'data/long.db'), ADMIN_TOKEN: token };
  const server = await startServer({ cwd: folder, environment });
  onTestFinished(() => server.stop());
  const { url } = server;
  const post = (path: string, json: object) =>
    fetch(`${url}/api/${path}`, { method: 'POST', headers, body: JSON.stringify(json) });
  // Each of eight takes more than ten times as long as what is short, however busy the machine is.
  const view = 'CREATE VIEW long AS SELECT count(*) AS n FROM range(60000000) AS numbers (i) WHERE hash(i) % 7 = 1';
  expect((await post('sql', { query: view })).status).toBe(200);
  const made = await post('students', { name: 'Ada', email: 'ada@example.com' });
  const { id } = (await made.json()) as { id: string };

  const ended: string[] = [];
  // Each is another list: the same would be read once for all.
  const long = Array.from({ length: 8 }, async (_, index) => {
    const { status } = await fetch(`${url}/api/long?limit=${index + 1}`, { headers });
    ended.push('long');
    return status;
  });
  await new Promise((resolve) => void setTimeout(resolve, 100));
  const read = await fetch(`${url}/api/students/${id}`, { headers });
  const written = await post('students', { name: 'Bob', email: 'bob@example.com' });
  ended.push('short');
  expect([read.status, written.status]).toEqual([200, 201]);
  expect(await Promise.all(long)).toEqual(long.map(() => 200));
  expect(ended[0]).toBe('short');
});
