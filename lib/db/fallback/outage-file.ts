/**
 * The outage that a process met, written down for the next one on this machine: under `vercel dev` each request is a
 * process of its own, and a cold start beside a warm instance need not wait, either.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Runtime } from '../../runtime.ts';
import type { OutageMemory, OutageNote } from './outage.ts';

/** `path` names the primary; nothing here fails, since everything works without the note. */
export function outageFile(path: string, runtime: Pick<Runtime, 'uuid'>): OutageMemory {
  return {
    load: () => readNote(path).catch(() => null),
    save: (note) => writeNote(path, `${path}.${runtime.uuid()}.part`, note).catch(() => undefined),
    clear: () => rm(path, { force: true }).catch(() => undefined),
  };
}

async function readNote(path: string): Promise<OutageNote | null> {
  const note = JSON.parse(await readFile(path, 'utf8')) as OutageNote;
  const numbers = [note.sinceMs, note.failures, note.nextLookMs];
  const texts = [note.reason, note.detail];
  const isWhole = numbers.every((value) => Number.isFinite(value)) && texts.every((value) => typeof value === 'string');
  return isWhole ? note : null;
}

async function writeNote(path: string, part: string, note: OutageNote): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(part, JSON.stringify(note), { mode: 0o600 });
  await rename(part, path);
}
