/**
 * A copy of lib/ in which one thing is changed: an engine with a known fault. The repository's own files are only read.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Edit } from './mutations.ts';

const repository = join(import.meta.dirname, '../..');

/** Makes the copy. A text that is not there exactly once is an error: the mutation is out of date. */
export function mutateLibrary(edits: readonly Edit[]): { readonly folder: string; readonly remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'eider-mutation-'));
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  try {
    for (const name of ['lib', 'package.json', 'test/support/stores'])
      cpSync(join(repository, name), join(root, name), { recursive: true });
    symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
    for (const edit of edits) applyEdit(join(root, 'lib'), edit);
    return { folder: join(root, 'lib'), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function applyEdit(folder: string, { file, from, to }: Edit): void {
  const path = join(folder, file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2) {
    throw new Error(`The mutation of lib/${file} is out of date: it has this text ${parts.length - 1} times: ${from}`);
  }
  writeFileSync(path, parts.join(to));
}
