/** Requests that grow in each way that a request can: none takes the server long, by its own clock, or much of its memory. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { startReplicated } from '../../../support/replicated.ts';
import { type HostileShot, hostileShots } from './shots.ts';

/** Of the server's own process, whatever else the machine does. */
const mostCpuMs = 3000;
const mostBytes = 1024 * 1024 * 1024;
const runs = 60;

const schema = `CREATE TABLE notes (id INTEGER PRIMARY KEY, body VARCHAR);
  CREATE TABLE papers (id INTEGER PRIMARY KEY, data JSON);`;

it.each(Object.entries(hostileShots))('%s', { timeout: 300_000 }, async (_, shots) => {
  const service = await startReplicated({ migrations: [{ name: '0001_notes', sql: schema }] });
  const rows = Array.from({ length: 500 }, (_none, id) => ({ id, body: 'a'.repeat(400) }));
  expect((await service.send('POST', '/api/notes', { json: rows })).status).toBe(201);
  const before = process.memoryUsage().rss;
  const fire = async ({ method, path, type, body }: HostileShot): Promise<void> => {
    const started = process.cpuUsage();
    const response = await service.send(method, path, {
      ...(body === null ? {} : { body }),
      ...(type === null ? {} : { headers: { 'content-type': type } }),
    });
    const answer = await response.text();
    const { user, system } = process.cpuUsage(started);
    const faults = [
      ...(response.status >= 500 ? [`${response.status} ${answer.slice(0, 300)}`] : []),
      ...(user + system > mostCpuMs * 1000 ? [`took ${Math.round((user + system) / 1000)} ms of the processor`] : []),
      ...(process.memoryUsage().rss - before > mostBytes ? ['took a gigabyte'] : []),
      ...(answer.length > 5_000_000 ? ['is answered at great length'] : []),
    ];
    expect({ shot: `${method} ${path.slice(0, 200)} ${body?.slice(0, 200)} (${body?.length})`, faults }).toMatchObject({
      faults: [],
    });
  };
  await fc.assert(fc.asyncProperty(shots, fire), { numRuns: runs, endOnFailure: true });
});
