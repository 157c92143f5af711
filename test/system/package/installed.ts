/** The package as npm would publish it, and projects that install it. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { linkTree, repository } from '../../../scripts/deployable.ts';
import { type Finished, runProgram } from '../../support/programs.ts';

export interface Tarball {
  readonly path: string;
  /** What it holds, relative to the package. */
  readonly files: readonly string[];
}

/** Makes it in a folder. Fills dist/ of the repository, which nothing else reads. */
export async function pack(folder: string): Promise<Tarball> {
  const list = join(folder, 'packed.json');
  const shell = `npm pack --json --silent --pack-destination '${folder}' > '${list}'`;
  await succeed(runProgram('/bin/sh', ['-c', shell], { cwd: repository }));
  const text = await readFile(list, 'utf8');
  const packed = JSON.parse(text.slice(text.search(/^[[{]/m))) as unknown;
  const [{ filename, files }] = Object.values(packed as object) as [Packed];
  return { path: join(folder, filename), files: files.map(({ path }) => path) };
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** A project with this package and others, by name and version, in a folder that is made. */
export async function install(
  folder: string,
  tarball: Tarball,
  others: Readonly<Record<string, string>>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const dependencies = { ...others, eider: `file:${tarball.path}` };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true, dependencies }));
  await npmInstall(folder);
}

/**
 * One of examples/, as somebody would take it along. npm finds the packages that another project has, and need not unpack
 * two hundred megabytes again.
 */
export async function installExample(name: string, folder: string, tarball: Tarball, other: string): Promise<void> {
  await cp(join(repository, 'examples', name), folder, {
    recursive: true,
    filter: (path) => !/[/\\](?:node_modules|\.next|data)$/.test(path),
  });
  const file = join(folder, 'package.json');
  const text = (await readFile(file, 'utf8')).replace(/"eider": "[^"]*"/, `"eider": "file:${tarball.path}"`);
  await writeFile(file, text);
  await linkTree(join(other, 'node_modules'), join(folder, 'node_modules'));
  await npmInstall(folder);
}

async function npmInstall(cwd: string): Promise<void> {
  const args = ['install', '--no-audit', '--no-fund', '--prefer-offline'];
  await succeed(runProgram('npm', args, { cwd, environment: networkSettings() }));
}

/** How this machine gets to the registry. */
function networkSettings(): Record<string, string> {
  const isOne = /^(?:npm_config_.*|NODE_EXTRA_CA_CERTS|(?:https?|no|all)_proxy)$/i;
  const found = Object.entries(process.env).filter(([name, value]) => isOne.test(name) && value !== undefined);
  return Object.fromEntries(found) as Record<string, string>;
}

/** The output of a program that has to succeed. */
export async function succeed(running: Promise<Finished>): Promise<string> {
  const { code, output } = await running;
  if (code !== 0) throw new Error(`A program ended with ${code}:\n${output}`);
  return output;
}
