import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Step } from '../../../lib/sync/context.ts';
import { temporaryFolder } from '../../support/engine.ts';

interface Instance {
  readonly url: string;
  /** Lets it die at this step of its next commit. */
  dieAt(step: Step): Promise<void>;
  /** Resolves when it has died. */
  readonly ended: Promise<unknown>;
}

async function startInstance(folder: string): Promise<Instance> {
  const worker = join(import.meta.dirname, 'instance-worker.ts');
  const child = fork(worker, [join(folder, 'store'), join(folder, 'slots')]);
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const { port } = await message<{ port: number }>(child, 'port');
  return {
    url: `http://127.0.0.1:${port}`,
    ended,
    dieAt: async (step) => {
      child.send(step);
      await message(child, 'armed');
    },
  };
}

async function message<T>(child: ChildProcess, member: string): Promise<T> {
  for (;;) {
    const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [object];
    if (typeof said !== 'object' || said === null) throw new Error('The instance has ended.');
    if (member in said) return said as T;
  }
}

const ada = { name: 'Ada', email: 'ada@example.org' };

async function create({ url }: Instance, key: string) {
  const response = await fetch(`${url}/api/students`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': `"${key}"` },
    body: JSON.stringify(ada),
  });
  const { status, headers } = response;
  return { status, body: await response.json(), location: headers.get('location'), tag: headers.get('etag') };
}

async function rows({ url }: Instance): Promise<unknown[]> {
  return ((await (await fetch(`${url}/api/students`)).json()) as { data: unknown[] }).data;
}

it.each([
  ['before its record is created', 'record-creating', false],
  ['when its record is created and nobody was told', 'record-created', true],
] as const)(
  'two instances with one key at the same time, one killed %s: one row, the same answer',
  async (_, step, commits) => {
    const folder = await temporaryFolder();
    const [one, other] = await Promise.all([startInstance(folder), startInstance(folder)]);
    await one.dieAt(step);
    const lost = create(one, 'same').catch((error: unknown) => error);
    // It commits, and then dies, only if the other one has not come first.
    if (commits) await one.ended;
    const answer = await create(other, 'same');
    await one.ended;
    expect(await lost).toBeInstanceOf(TypeError);
    expect(answer).toMatchObject({ status: 201, body: ada });
    const third = await startInstance(folder);
    for (const instance of [other, third]) {
      expect(await create(instance, 'same')).toEqual(answer);
      expect(await rows(instance)).toEqual([answer.body]);
    }
  },
);

it('many requests with one key to two instances, one of them killed in the middle: one row, the same answer', async () => {
  const folder = await temporaryFolder();
  const [one, other] = await Promise.all([startInstance(folder), startInstance(folder)]);
  await one.dieAt('record-created');
  const answers = await Promise.all(
    [one, other, one, other, one, other].map((instance) => create(instance, 'same').catch(() => null)),
  );
  const told = answers.filter((answer) => answer !== null);
  expect(told.length).toBeGreaterThanOrEqual(3);
  for (const answer of told) expect(answer).toEqual(told[0]);
  expect(await rows(other)).toEqual([told[0]?.body]);
});
