/**
 * Whatever is wrong with a cloud, db-status says what, and what to do, in words of its own; tables answer that the
 * database is away, never that something does not exist; no secret is told; and once it is mended, all works.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../../lib/app.ts';
import { backendFactories } from '../../../lib/backends.ts';
import { createEndpoints } from '../../../lib/http/endpoints.ts';
import { lineLog, type LogEntry } from '../../../lib/http/log.ts';
import { type Runtime, systemRuntime } from '../../../lib/runtime.ts';
import { localRequest } from '../../support/requests.ts';
import { migrations } from '../../support/migrations.ts';
import { type CloudFault, faultyBlob, type FaultyCloud, faultyGcs, faultyS3 } from '../../support/cloud-faults.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-cloud-faults-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Time runs a hundred times as fast, so that what is tried for seconds is given up soon. Time-outs are what they are. */
const hasty: Runtime = {
  ...systemRuntime,
  monotonicMs: () => systemRuntime.monotonicMs() * 100,
  sleep: (ms, signal) => systemRuntime.sleep(ms > 8000 ? ms : ms / 100, signal),
};

interface Said {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
}

type Variables = Readonly<Record<string, string>>;

class Instance {
  environment: Variables;
  readonly #log: LogEntry[] = [];
  readonly #said: string[] = [];
  readonly #endpoints: ReturnType<typeof createEndpoints>;
  readonly #waited: Promise<unknown>[] = [];
  readonly #app: ReturnType<typeof createApp>;

  /** With a temporary folder of its own. */
  constructor(environment: Variables, TMPDIR: string) {
    this.environment = environment;
    this.#app = createApp({
      migrations,
      runtime: hasty,
      environment: () => ({ TMPDIR, ...this.environment }),
      factories: backendFactories,
      // What is said of the cloud itself; what stands in for it has tests of its own.
      usesFallbacks: false,
      signals: process,
    });
    const log = (entry: LogEntry) => void this.#log.push(entry);
    const waitUntil = (promise: Promise<unknown>) => void this.#waited.push(promise);
    this.#endpoints = createEndpoints({ trustsPeer: true, app: this.#app, log, waitUntil });
  }

  async get(endpoint: 'status' | 'list' | 'readOne', path: string): Promise<Said> {
    return this.#keep(await this.#endpoints[endpoint](localRequest(`/api/${path}`)));
  }

  async create(email: string): Promise<Said> {
    const request = localRequest('/api/students', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Ada', email }),
    });
    return this.#keep(await this.#endpoints.create(request));
  }

  /** Everything that it told anyone: answers, their headers, and all that a log could make of its entries. */
  get told(): string {
    const lines: string[] = [];
    const writeLine = lineLog(
      () => 0,
      (line) => lines.push(line),
    );
    for (const entry of this.#log) writeLine(entry);
    const seen = inspect(this.#log, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null });
    return [...this.#said, ...lines, seen].join('\n');
  }

  get failures(): number {
    return this.#log.length;
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#waited);
    await this.#app.close();
  }

  async #keep(response: Response): Promise<Said> {
    const text = await response.text();
    this.#said.push(text, inspect(response.headers));
    return { status: response.status, type: response.headers.get('content-type'), text };
  }
}

function expectAnswer(said: Said, expected: number | 'problem'): void {
  if (expected === 'problem') return expectProblem(said);
  expect([said.status, said.text]).toEqual([expected, expect.anything()]);
}

function expectProblem({ status, type, text }: Said): void {
  expect([type, JSON.parse(text)]).toMatchObject(['application/problem+json', { status }]);
  expect([500, 503]).toContain(status);
}

const databaseKeys = { blob: 'BLOB_NAME', s3: 'S3_KEY', gcs: 'GCS_KEY' };

describe.each([
  ['blob', faultyBlob],
  ['s3', faultyS3],
  ['gcs', faultyGcs],
] as const)('%s', (backend, open) => {
  let cloud: FaultyCloud;
  beforeAll(async () => {
    cloud = await open();
  });
  afterAll(() => cloud?.close());

  /** Runs `work` on an instance that has nothing yet, and looks whether it told a secret. */
  async function onInstance(database: string, work: (instance: Instance, well: Variables) => Promise<void>) {
    const well = { ...cloud.environment, [databaseKeys[backend]]: `${database}.db` };
    const instance = new Instance(well, join(folder, `${backend}-${database}`));
    try {
      await work(instance, well);
    } finally {
      await instance.stop();
    }
    for (const canary of cloud.canaries) expect(instance.told).not.toContain(canary);
  }

  /** db-status says what `fault` is. Answers its words. */
  async function expectDown(instance: Instance, { says, names }: CloudFault): Promise<string> {
    const status = await instance.get('status', 'db-status');
    const { message, ...body } = JSON.parse(status.text) as { readonly message: string };
    expect([status.status, body]).toMatchObject([503, { status: 'down', backend, persistent: true }]);
    expect(message).toMatch(says);
    expect(message).toContain(names ?? '');
    return message;
  }

  /** Reads go on, and db-status says what refuses writes. */
  async function expectWritesRefused(instance: Instance, { says }: CloudFault): Promise<void> {
    const status = await instance.get('status', 'db-status');
    const message = expect.stringMatching(says) as unknown;
    expect([status.status, JSON.parse(status.text)]).toMatchObject([200, { status: 'degraded', message }]);
  }

  async function expectWell(instance: Instance): Promise<void> {
    const status = await instance.get('status', 'db-status');
    const message = 'Data persists with external DuckDB storage';
    expect([status.status, JSON.parse(status.text)]).toMatchObject([200, { status: 'ok', backend, message }]);
  }

  test('each fault, met by the first request', { timeout: 120_000 }, async () => {
    const messages = new Map<string, string>();
    for (const [name, fault] of Object.entries(cloud.faults)) {
      await onInstance(`first-${messages.size}`, async (instance, well) => {
        instance.environment = { ...well, ...fault.environment };
        const mend = fault.begin?.();
        try {
          messages.set(name, await expectDown(instance, fault));
          expectProblem(await instance.get('list', 'students'));
          expectProblem(await instance.get('readOne', `students/${someId}`));
          expectProblem(await instance.create('ada@example.org'));
        } finally {
          mend?.();
        }
        expect([name, instance.failures]).toEqual([name, 4]);
        instance.environment = well;
        const created = await instance.create('ada@example.org');
        expect([name, created.status, created.text]).toEqual([name, 201, expect.stringContaining('ada@')]);
        await expectWell(instance);
      });
    }
    expect(messages.size).toBeGreaterThan(8);
    expect(new Set(messages.values()).size).toBe(messages.size);
  });

  test('each fault of the provider, met by a database that is open', { timeout: 120_000 }, async () => {
    // What the user sets is read when a database opens, and not again.
    const faults = Object.entries(cloud.faults).filter(([, { begin, environment }]) => begin && !environment);
    expect(faults.length).toBeGreaterThan(4);
    for (const [name, fault] of faults) {
      await onInstance(`open-${faults.findIndex(([other]) => other === name)}`, async (instance) => {
        const { id } = JSON.parse((await instance.create('ada@example.org')).text) as { id: string };
        const mend = fault.begin!();
        try {
          const spares = fault.spares ?? [];
          const read = await instance.get('readOne', `students/${id}`);
          const created = await instance.create('bob@example.org');
          expectAnswer(read, spares.includes('reads') ? 200 : 'problem');
          expectAnswer(created, spares.includes('writes') ? 201 : 'problem');
          if (!spares.includes('reads')) await expectDown(instance, fault);
          else if (!spares.includes('writes')) await expectWritesRefused(instance, fault);
          else await expectWell(instance);
        } finally {
          mend();
        }
        const again = await instance.get('readOne', `students/${id}`);
        expect([name, again.status, again.text]).toEqual([name, 200, expect.stringContaining(id)]);
        expect([name, (await instance.create('eve@example.org')).status]).toEqual([name, 201]);
        await expectWell(instance);
      });
    }
  });
});

const someId = '01890000-0000-7000-8000-000000000000';
