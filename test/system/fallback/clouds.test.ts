/** A store on a cloud that is lost while instances run: each way of being away, and the way back onto what others wrote. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../support/engine.ts';
import { type Cloud, type CloudName, clouds, startCloud } from '../../support/clouds.ts';
import type { ServerFault, ServerRequest } from '../../support/servers/faults.ts';
import { type Instance, startInstance, steppedRuntime } from './instance.ts';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

const student = (name: string) => ({ name, email: `${name.toLowerCase()}@example.org` });

function start(environment: Readonly<Record<string, string>>, machine: string) {
  const runtime = steppedRuntime();
  const LOCAL_DB_PATH = join(folder, machine, 'local/school.db');
  const instance = startInstance({
    machine: join(folder, machine),
    runtime,
    environment: { ...environment, LOCAL_DB_PATH },
  });
  return { ...instance, advance: runtime.advance };
}

async function kept(machine: string): Promise<number> {
  const files = await readdir(join(folder, machine, 'local/school.db.pending')).catch(() => []);
  return files.filter((file) => file.endsWith('.json')).length;
}

async function names(instance: Instance): Promise<string[]> {
  const { body } = await instance.send('GET', 'students?order=name.asc&limit=500');
  return (body['data'] as { name: string }[]).map(({ name }) => name);
}

describe.each(clouds)('%s', (name: CloudName) => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud(name);
  });
  afterAll(() => cloud?.close());

  const everything = (): boolean => true;
  const writes = (request: ServerRequest): boolean => cloud.describe(request).operation === 'create';
  const ways: readonly [string, (request: ServerRequest) => boolean, () => ServerFault][] = [
    ['cuts every connection', everything, () => ({ kind: 'cut-before' })],
    // Longer than anything waits for an answer.
    ['accepts and answers nothing', everything, () => ({ kind: 'delay', ms: 12_000 })],
    ['fails', everything, () => cloud.refusal(500)],
  ];

  test.each(name === 's3' ? ways : ways.slice(0, 1))('that %s', async (_, matches, fault) => {
    const { environment } = cloud.fresh();
    const [here, there] = [start(environment, 'here'), start(environment, 'there')];
    const ada = await here.send('POST', 'students', student('Ada'));
    expect(ada.status).toBe(201);
    await there.send('GET', 'students');
    await here.settled();
    cloud.faults.add(matches, fault(), Infinity);
    await here.send('GET', 'students');
    const bob = await here.send('POST', 'students', student('Bob'));
    expect(bob.status).toBe(202);
    expect(await names(here)).toEqual(['Ada', 'Bob']);
    const read = await here.send('GET', `students/${String(ada.body['id'])}`);
    expect([read.status, read.headers.get('age')]).toEqual([200, expect.stringMatching(/^\d+$/)]);
    expect(await kept('here')).toBe(1);
    const status = await here.send('GET', 'db-status');
    expect(status.body).toMatchObject({ status: 'degraded', pendingWrites: 1, outage: { servedBy: name } });

    // The other instance meets the store again first.
    cloud.faults.clear();
    expect((await there.send('POST', 'students', student('Eve'))).status).toBe(201);
    expect((await there.send('DELETE', `students/${String(ada.body['id'])}`)).status).toBe(204);
    here.advance(60_000);
    expect((await here.send('POST', 'db-sync')).body).toMatchObject({ pendingDrained: 1, pendingRejected: 0 });
    expect(await names(here)).toEqual(['Bob', 'Eve']);
    expect(await names(there)).toEqual(['Bob', 'Eve']);
    expect(await kept('here')).toBe(0);
  });

  test('writes under way when it stops answering are either kept or said to be unknown, and never both', async () => {
    const { environment } = cloud.fresh();
    const [here, there] = [start(environment, 'here'), start(environment, 'there')];
    await here.send('POST', 'students', student('Ada'));
    // The store takes the record, and nobody hears of it.
    cloud.faults.add(writes, { kind: 'cut-after' }, 1);
    cloud.faults.add(everything, { kind: 'cut-before' }, Infinity);
    const told = await Promise.all(
      Array.from({ length: 12 }, (_, index) => here.send('POST', 'students', student(`S${index + 10}`))),
    );
    const statuses = told.map(({ status }) => status);
    expect(statuses.filter((status) => status !== 500 && status !== 202)).toEqual([]);
    cloud.faults.clear();
    here.advance(60_000);
    const sync = await here.send('POST', 'db-sync');
    expect(sync.body).toMatchObject({ pendingRejected: 0 });
    const there12 = await names(there);
    expect(new Set(there12).size).toBe(there12.length);
    const lost = told.filter(({ status, body }) => status === 202 && !there12.includes(String(body['name'])));
    expect(lost).toEqual([]);
  });
});
