/**
 * A copy of what a deployment consists of, to build or serve it without touching the working tree: no link to a Vercel
 * project is read, replaced or left behind.
 */
import { existsSync } from 'node:fs';
import { copyFile, cp, link, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('..', import.meta.url));

/** What Vercel gets to see: the rest is named in .vercelignore. */
const deployedEntries = [
  'api',
  'console',
  'eider.ts',
  'lib',
  'migrations',
  'public',
  'scripts/bundle.ts',
  'scripts/console.ts',
  'server.ts',
  'package.json',
  'package-lock.json',
  '.npmrc',
  'tsconfig.json',
  'vercel.json',
];

/** Copies the project into the folder `target`, which must not exist, with its installed packages. */
export async function copyDeployable(target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const entry of deployedEntries.filter((each) => existsSync(join(repository, each)))) {
    await cp(join(repository, entry), join(target, entry), { recursive: true });
  }
  await linkTree(join(repository, 'node_modules'), join(target, 'node_modules'));
}

/** The same tree with hard links: a symbolic link to it would be traced to the files' real place, outside the copy. */
export async function linkTree(source: string, target: string): Promise<void> {
  await mkdir(target);
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) await linkTree(from, to);
    else if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    else await link(from, to).catch(() => copyFile(from, to)); // Another file system, or one without hard links.
  }
}
