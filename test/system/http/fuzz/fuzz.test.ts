/**
 * 12,500 requests of all kinds to a running instance: none is answered with a fault of the server, none hangs, none that
 * is refused changes anything, and every refusal is a problem document. More would take over a minute of a core.
 */
import * as fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultsOf, isAccepted, rowsAdded } from './answers.ts';
import type { Shown } from './client.ts';
import { type FuzzInstance, startInstance, type State } from './instance.ts';
import { anyShot, canary, type Shot, tokensOfFuzz } from './shots.ts';

const volleys = 500;
const shotsEach = 25;

let folder: string;
let instance: FuzzInstance;
let before: State;
const seen = new Map<string, number>();
const found = { cursor: '', etag: '""' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-fuzz-'));
  instance = await startInstance(folder);
  for (const [table, row] of [
    ['students', { name: 'Ada', email: 'same@example.org' }],
    ['courses', { code: 'CS1', title: 'Computing', credits: 3 }],
  ] as const) {
    const headers = { authorization: `Bearer ${tokensOfFuzz.admin}`, 'content-type': 'application/json' };
    const { status } = await instance.client.send({
      method: 'POST',
      path: `/api/${table}`,
      headers,
      body: JSON.stringify(row),
    });
    if (status !== 201) throw new Error(`A row of ${table} was answered ${status}.`);
  }
  await instance.learn();
  before = await instance.look();
});
afterAll(async () => {
  await instance?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Puts in what the marks stand for. */
function aimed(shot: Shot): Shot {
  const put = (text: string): string =>
    text.replaceAll(/§([a-z]+)(?::(\d+))?§/g, (_, name: string, index: string | undefined) => {
      if (name === 'cursor') return found.cursor;
      if (name === 'etag') return found.etag;
      const ids = instance.ids[name] ?? [];
      return ids[Number(index) % ids.length] ?? '0193f0c0-0000-7000-8000-00000000dead';
    });
  const headers = Object.fromEntries(Object.entries(shot.headers).map(([name, value]) => [name, put(value)]));
  return { ...shot, path: put(shot.path), headers, body: typeof shot.body === 'string' ? put(shot.body) : shot.body };
}

function learnFrom({ text, headers }: Shown): void {
  found.cursor = /"next":"([\w-]{8,})"/.exec(text)?.[1] ?? found.cursor;
  found.etag = headers['etag'] ?? found.etag;
}

/** The shot as a line for whoever has to find out. */
function describe(shot: Shot, { status, text }: Shown, faults: readonly string[]): string {
  const parts = [shot.method, shot.path, JSON.stringify(shot.headers), JSON.stringify(String(shot.body)), text];
  return `${status}, ${faults.join(', ')}: ${parts.map((part) => part.slice(0, 400)).join(' ')}`;
}

/** Sends all at one time; answers what is wrong. */
async function fire(shots: readonly Shot[]): Promise<string[]> {
  const answers = await Promise.all(shots.map(async (shot) => ({ shot, shown: await instance.client.send(shot) })));
  const wrong = answers.flatMap(({ shot, shown }) => {
    const faults = faultsOf(shot, shown, [folder]);
    return faults.length > 0 ? [describe(shot, shown, faults)] : [];
  });
  for (const { shot, shown } of answers) {
    learnFrom(shown);
    const kind = `${shot.path.split(/[/?]/)[2]} ${shown.status}`;
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
  }
  const after = await instance.look();
  const told = answers.map(({ shot, shown }) => rowsAdded(shot, shown));
  const added = told.includes(null) ? null : told.reduce<number>((sum, each) => sum + (each ?? 0), 0);
  const accepted = answers.filter(
    ({ shot, shown }) => isAccepted(shot.method, shown.status) && !shot.path.startsWith('/api/db-'),
  );
  if (added !== null && after.rows - before.rows !== added)
    wrong.push(`${after.rows - before.rows} rows were added and ${added} told`);
  if (accepted.length === 0 && (after.version !== before.version || after.digest !== before.digest)) {
    wrong.push(`nothing was accepted, and yet ${JSON.stringify(before)} became ${JSON.stringify(after)}`);
  }
  const isSame = after.rows === before.rows;
  before = after;
  if (!isSame) await instance.learn();
  return wrong;
}

test(`${volleys * shotsEach} requests`, { timeout: 600_000 }, async () => {
  const volley = fc.oneof(
    { weight: 2, arbitrary: fc.array(anyShot, { minLength: shotsEach, maxLength: shotsEach }) },
    // Nothing of these may be accepted.
    {
      weight: 1,
      arbitrary: fc.array(anyShot.map(unwanted), { minLength: shotsEach, maxLength: shotsEach }),
    },
  );
  await fc.assert(
    fc.asyncProperty(volley, async (shots) => {
      expect(await fire(shots.map(aimed))).toEqual([]);
    }),
    { numRuns: volleys, endOnFailure: true },
  );
});

/** The same from somebody who may not. */
function unwanted(shot: Shot): Shot {
  const { authorization: _, ...headers } = shot.headers;
  return { ...shot, headers: { ...headers, authorization: 'Bearer a-token-of-nobody' } };
}

test('they met all kinds of answers', () => {
  const statuses = new Set([...seen.keys()].map((kind) => Number(kind.split(' ')[1])));
  expect([...statuses]).toEqual(
    expect.arrayContaining([200, 201, 204, 400, 401, 403, 404, 405, 406, 409, 412, 413, 414, 415, 422]),
  );
});

test('the log has a line for each, and nothing of what was sent', () => {
  expect(instance.lines.length).toBeGreaterThan(volleys * shotsEach * 0.8);
  const entries = instance.lines.map((line) => JSON.parse(line) as { level: string });
  expect(entries.filter(({ level }) => level !== 'info')).toEqual([]);
  expect(instance.lines.filter((line) => line.includes(canary))).toEqual([]);
  for (const token of Object.values(tokensOfFuzz))
    expect(instance.lines.filter((line) => line.includes(token))).toEqual([]);
});
