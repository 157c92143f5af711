/**
 * Several processes write while the primary goes away and comes back, and some are killed: what was acknowledged is in
 * the primary afterwards, once, or listed as rejected.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../../support/engine.ts';
import { startCloud } from '../../support/clouds.ts';
import { startPostgres } from '../../support/servers/postgres.ts';
import { emailsIn, eventually, type Member, send, startMember, type Told, writeUntil } from './fleet.ts';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

interface Primary {
  readonly environment: Readonly<Record<string, string>>;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
}

async function postgres(): Promise<Primary> {
  const server = await startPostgres();
  onTestFinished(() => server.close());
  return {
    environment: { DATABASE_URL: await server.createDatabase() },
    goAway: () => server.kill(),
    comeBack: () => server.start(),
  };
}

async function s3(): Promise<Primary> {
  const cloud = await startCloud('s3');
  onTestFinished(() => cloud.close());
  const { environment } = cloud.fresh();
  return {
    environment,
    goAway: async () => cloud.faults.add(() => true, { kind: 'cut-before' }, Infinity),
    comeBack: async () => cloud.faults.clear(),
  };
}

async function pendingCount(): Promise<number> {
  const names = await readdir(join(folder, 'local/school.db.pending')).catch(() => []);
  return names.filter((name) => name.endsWith('.json')).length;
}

/** Whether it serves from the primary; has it look whether that is back, instead of waiting until it would. */
async function isServed({ url }: Member): Promise<boolean> {
  await (await send(url, 'POST', 'db-sync')).text();
  const response = await send(url, 'GET', 'students?limit=1');
  await response.text();
  return response.status === 200 && response.headers.get('db-degraded') === null;
}

function expectAllThere(told: readonly Told[], emails: readonly string[]): void {
  const acknowledged = told.filter(({ status }) => status === 201 || status === 202).map(({ email }) => email);
  const there = new Set(emails);
  expect(acknowledged.filter((email) => !there.has(email))).toEqual([]);
  expect(emails.length).toBe(there.size);
}

test.each([
  ['PostgreSQL', postgres],
  ['S3', s3],
])('%s goes away under load, processes are killed, and it comes back', { timeout: 120_000 }, async (_, begin) => {
  const primary = await begin();
  const environment = {
    ...primary.environment,
    TMPDIR: folder,
    LOCAL_DB_PATH: join(folder, 'local/school.db'),
  };
  let members = await Promise.all([1, 2, 3].map(() => startMember(environment)));
  await Promise.all(members.map(isServed));
  const stop = new AbortController();
  const writing = Promise.all(['a', 'b', 'c', 'd'].map((name) => writeUntil(stop.signal, () => members, name)));
  await delay(500);
  await primary.goAway();
  await eventually(async () => (await pendingCount()) > 20, 'writes to be kept');
  const [first, ...others] = members;
  await first!.kill();
  members = others;
  members.push(await startMember(environment));
  await delay(500);
  await primary.comeBack();
  await eventually(async () => (await Promise.all(members.map(isServed))).every(Boolean), 'it to serve again');
  await delay(500);
  stop.abort();
  const told = (await writing).flat();
  await eventually(async () => (await Promise.all(members.map(isServed))) && (await pendingCount()) === 0, 'the rest');

  const statuses = new Set(told.map(({ status, durability }) => `${status} ${durability}`));
  expect(statuses).toContain('201 durable');
  expect(statuses).toContain('202 pending');
  const emails = await emailsIn(members[0]!);
  expectAllThere(told, emails);
  const { rejectedWrites } = (await (await send(members[0]!.url, 'GET', 'db-status')).json()) as {
    rejectedWrites: unknown[];
  };
  expect(rejectedWrites).toEqual([]);
});

test('processes that are killed while they run pending writes: each is run once', { timeout: 120_000 }, async () => {
  const primary = await s3();
  const environment = {
    ...primary.environment,
    TMPDIR: folder,
    LOCAL_DB_PATH: join(folder, 'local/school.db'),
  };
  const keeper = await startMember(environment);
  await isServed(keeper);
  await primary.goAway();
  const stop = new AbortController();
  const writing = Promise.all(['a', 'b', 'c', 'd'].map((name) => writeUntil(stop.signal, () => [keeper], name)));
  await eventually(async () => (await pendingCount()) > 80, 'writes to be kept');
  stop.abort();
  const told = (await writing).flat();
  const kept = await pendingCount();
  await keeper.kill();
  await primary.comeBack();
  for (const afterMs of [0, 60, 200]) {
    const [one, two] = await Promise.all([startMember(environment), startMember(environment)]);
    const asked = [one, two].map(({ url }) => send(url, 'POST', 'db-sync').catch(() => null));
    await eventually(async () => (await pendingCount()) < kept || afterMs === 0, 'some to be run');
    await delay(afterMs);
    await Promise.all([one.kill(), two.kill(), ...asked]);
  }
  const last = await startMember(environment);
  await eventually(async () => (await isServed(last)) && (await pendingCount()) === 0, 'all to be run');
  expectAllThere(told, await emailsIn(last));
  const { rejectedWrites } = (await (await send(last.url, 'GET', 'db-status')).json()) as { rejectedWrites: unknown[] };
  expect(rejectedWrites).toEqual([]);
});
