/**
 * Five hundred clients at one time on one warm instance for a minute: reads, writes and queries. Nothing but 503 may go
 * wrong, memory stays within bounds, and every write that was acknowledged is there.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Said } from './clients-worker.ts';
import { bytesPerMb } from './databases.ts';
import type { Bench, BenchContext, Figure } from './harness.ts';

const clients = 500;
const forMs = 60_000;
const seeded = 1000;
/** A function's of 2 GB, Vercel's default; `maxRssMb` leaves it a good part. */
const memoryMb = 2048;
const maxRssMb = 1536;
const token = 'bench-token-of-some-length';

export const concurrentClients: Bench = {
  name: 'clients',
  needsBytes: 200 * bytesPerMb,
  run: async (context) => {
    const instance = await startInstance(context.folder);
    try {
      return await measure(context, instance);
    } finally {
      await instance.stop();
    }
  },
};

interface Answered {
  readonly status: number;
  readonly retryAfter: number;
  readonly text: string;
}

interface Instance {
  /** Memory, each time that the instance told it, in bytes. */
  readonly rssBytes: readonly number[];
  send(method: string, path: string, json?: unknown): Promise<Answered>;
  stop(): Promise<void>;
}

async function startInstance(folder: string): Promise<Instance> {
  const { PATH } = process.env;
  const env = {
    PATH,
    TMPDIR: folder,
    LOCAL_DB_PATH: folder,
    ADMIN_TOKEN: token,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
  };
  const child = fork(join(import.meta.dirname, 'clients-worker.ts'), { env });
  const rssBytes: number[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    child.on('message', (said: Said) => ('port' in said ? resolve(said.port) : rssBytes.push(said.rssBytes)));
    child.once('exit', (code) => reject(new Error(`The instance ended with ${code}.`)));
  });
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  return {
    rssBytes,
    send: (method, path, json) => send({ agent, port }, method, path, json),
    stop: () => stop(child, agent),
  };
}

async function stop(child: ChildProcess, agent: Agent): Promise<void> {
  agent.destroy();
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
}

function send(
  { agent, port }: { agent: Agent; port: number },
  method: string,
  path: string,
  json?: unknown,
): Promise<Answered> {
  const body = json === undefined ? '' : JSON.stringify(json);
  const headers = { authorization: `Bearer ${token}`, ...(body === '' ? {} : { 'content-type': 'application/json' }) };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, agent, method, path, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', reject);
      incoming.once('end', () => {
        const retryAfter = Number(incoming.headers['retry-after'] ?? 0);
        resolve({ status: incoming.statusCode ?? 0, retryAfter, text: Buffer.concat(chunks).toString() });
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

const kinds = ['read', 'write', 'query'] as const;
type Kind = (typeof kinds)[number];

interface Tally {
  readonly ms: number[];
  shed: number;
}

interface Course {
  readonly instance: Instance;
  readonly ids: string[];
  readonly tallies: Record<Kind, Tally>;
  /** Rows that were acknowledged, less those deleted. */
  rows: number;
  readonly wrong: string[];
}

async function measure({ say }: BenchContext, instance: Instance): Promise<Figure[]> {
  const course: Course = {
    instance,
    ids: await seed(instance),
    tallies: { read: { ms: [], shed: 0 }, write: { ms: [], shed: 0 }, query: { ms: [], shed: 0 } },
    rows: seeded,
    wrong: [],
  };
  say(`${clients} clients for ${forMs / 1000} s`);
  const began = performance.now();
  await Promise.all(Array.from({ length: clients }, (_, client) => runClient(course, client, began + forMs)));
  const seconds = (performance.now() - began) / 1000;
  for (const wrong of course.wrong.slice(0, 5)) say(wrong);
  const counted = await instance.send('GET', '/api/students?limit=1&select=id&count=exact');
  const { count } = JSON.parse(counted.text) as { count: number };
  return [
    ...kinds.map((kind) => latency(kind, course.tallies[kind], seconds)),
    {
      name: `${clients} clients, answers that are errors`,
      value: course.wrong.length,
      unit: '',
      target: { atMost: 0 },
      parts: {},
    },
    {
      name: `${clients} clients, rows lost or doubled`,
      value: Math.abs(count - course.rows),
      unit: 'rows',
      target: { atMost: 0 },
      parts: { 'acknowledged rows': course.rows },
    },
    memory(instance.rssBytes),
  ];
}

async function seed(instance: Instance): Promise<string[]> {
  const rows = Array.from({ length: seeded }, (_, index) => ({
    name: `Student ${index}`,
    email: `s${index}@example.org`,
  }));
  const { status, text } = await instance.send('POST', '/api/students', rows);
  if (status !== 201) throw new Error(`The rows to begin with were answered ${status}: ${text}`);
  return (JSON.parse(text) as { data: { id: string }[] }).data.map(({ id }) => id);
}

/** One client: asks, waits for the answer, asks again; comes back later when told so. */
async function runClient(course: Course, client: number, untilMs: number): Promise<void> {
  for (let round = 0; performance.now() < untilMs; round += 1) {
    // Of ten requests six read, three write, one runs SQL; clients begin at different ones.
    const turn = (round + client) % 10;
    const kind: Kind = turn < 6 ? 'read' : turn < 9 ? 'write' : 'query';
    const began = performance.now();
    const { status, retryAfter, text } = await ask(course, kind, turn, `${client}-${round}`);
    if (status === 503) {
      course.tallies[kind].shed += 1;
      await sleep(retryAfter * 1000);
    } else if (status < 300) course.tallies[kind].ms.push(performance.now() - began);
    else course.wrong.push(`${kind} ${turn}: ${status} ${text}`);
  }
}

async function ask(course: Course, kind: Kind, turn: number, name: string): Promise<Answered> {
  const { instance, ids } = course;
  const id = ids[Math.floor(Math.random() * ids.length)]!;
  if (kind === 'query') {
    const sql = 'SELECT left(name, 9) AS name, count(*) AS n FROM students GROUP BY ALL ORDER BY n DESC LIMIT 10';
    return instance.send('POST', '/api/sql', { query: sql });
  }
  if (kind === 'read')
    return instance.send('GET', turn < 4 ? `/api/students/${id}` : '/api/students?order=created_at.desc&limit=20');
  if (turn < 8) {
    const answered = await instance.send('POST', '/api/students', { name, email: `${name}@example.com` });
    if (answered.status === 201) course.rows += 1;
    return answered;
  }
  return instance.send('PATCH', `/api/students/${id}`, { name });
}

function latency(kind: Kind, { ms, shed }: Tally, seconds: number): Figure {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  return {
    name: `${clients} clients, ${kind}, half within`,
    value: at(0.5),
    unit: 'ms',
    parts: {
      '95 % within ms': at(0.95),
      '99 % within ms': at(0.99),
      'slowest ms': at(1),
      'answers/s': ms.length / seconds,
      'answered 503': shed,
    },
  };
}

/** The most memory, and beside it that of the first and the last quarter: it has to level off. */
function memory(rssBytes: readonly number[]): Figure {
  const quarter = Math.ceil(rssBytes.length / 4);
  const most = (some: readonly number[]): number => Math.max(...some) / bytesPerMb;
  return {
    name: `${clients} clients, most memory`,
    value: most(rssBytes),
    unit: 'MB',
    target: { atMost: maxRssMb },
    parts: { 'first quarter MB': most(rssBytes.slice(0, quarter)), 'last quarter MB': most(rssBytes.slice(-quarter)) },
  };
}
