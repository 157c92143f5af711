/** Instances as processes of their own, clients that write to them, and the account of what they were told. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

export interface Member {
  readonly url: string;
  kill(): Promise<void>;
}

/** Starts an instance; it is killed, if nothing else has done so, when the test ends. */
export async function startMember(environment: Readonly<Record<string, string>>): Promise<Member> {
  const child = fork(join(import.meta.dirname, 'instance-worker.ts'), [JSON.stringify(environment)]);
  const ended = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return { url: `http://127.0.0.1:${await portOf(child)}`, kill };
}

async function portOf(child: ChildProcess): Promise<number> {
  const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
  if (typeof said === 'object' && said !== null && 'port' in said) return Number(said.port);
  throw new Error('The instance has ended.');
}

export interface Told {
  readonly email: string;
  readonly status: number;
  readonly durability: string | null;
}

/** Writes one student after another until it is stopped; answers what it was told of each. */
export async function writeUntil(stop: AbortSignal, members: () => readonly Member[], name: string): Promise<Told[]> {
  const told: Told[] = [];
  for (let number = 0; !stop.aborted; number++) {
    const among = members();
    const { url } = among[number % among.length]!;
    const email = `${name}-${number}@example.org`;
    try {
      const response = await send(url, 'POST', 'students', { name, email });
      await response.text();
      const durability = response.headers.get('db-durability');
      told.push({ email, status: response.status, durability });
    } catch {
      // It was killed under the request: nobody was told anything.
      await delay(20);
    }
  }
  return told;
}

export function send(url: string, method: string, path: string, json?: unknown): Promise<Response> {
  return fetch(`${url}/api/${path}`, {
    method,
    ...(json === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) }),
  });
}

/** Every email that the database has, with repetitions, if there were any. */
export async function emailsIn({ url }: Member): Promise<string[]> {
  const emails: string[] = [];
  for (let cursor: string | null = null; ;) {
    const next = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const response = await send(url, 'GET', `students?limit=500&select=email${next}`);
    const page = (await response.json()) as { data: { email: string }[]; next: string | null };
    emails.push(...page.data.map(({ email }) => email));
    cursor = page.next;
    if (cursor === null) return emails;
  }
}

/** Asks until it is so, for a minute at most. */
export async function eventually(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Waited a minute for ${what}.`);
    await delay(250);
  }
}
