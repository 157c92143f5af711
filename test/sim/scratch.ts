/**
 * A copy of lib/ in which one thing is changed: an engine with a known fault. The repository's own files are only read.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Edit } from './mutations.ts';

const repository = join(import.meta.dirname, '../..');

/** Makes the copy. @throws as `edited` does */
export function mutateLibrary(edits: readonly Edit[]): { readonly folder: string; readonly remove: () => void } {
  const texts = edited(edits);
  const root = mkdtempSync(join(tmpdir(), 'eider-mutation-'));
  for (const name of ['lib', 'package.json']) cpSync(join(repository, name), join(root, name), { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
  const folder = join(root, 'lib');
  for (const [file, text] of texts) writeFileSync(join(folder, file), text);
  return { folder, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** The files of lib/ that are edited, as they are then. A text that is not there exactly once is an error: the mutation is out of date. */
export function edited(edits: readonly Edit[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { file, from, to } of edits) {
    const parts = (texts.get(file) ?? readFileSync(join(repository, 'lib', file), 'utf8')).split(from);
    if (parts.length !== 2)
      throw new Error(
        `The mutation of lib/${file} is out of date: it has this text ${parts.length - 1} times: ${from}`,
      );
    texts.set(file, parts.join(to));
  }
  return texts;
}
