/**
 * `npm run build`: makes the deployment as Vercel would, without an account or network, and checks it.
 *
 *     node scripts/build.ts [--output <folder>]      default: .vercel/output, for `vercel deploy --prebuilt`
 *
 * `vercel build` wants a link to a project in `.vercel/project.json`, which would stop `vercel dev --local` and may be
 * the user's own. So it runs in a copy.
 */
import { spawnSync } from 'node:child_process';
import { globSync, rmSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { routePath } from '../lib/http/router.ts';
import { type BuildOutput, describeOutput, faultsOf, readBuildOutput } from './build-output.ts';
import { freshConsole } from './console.ts';
import { copyDeployable, repository } from './deployable.ts';

const copyPrefix = 'build-';
const localLink = { projectId: 'prj_local', orgId: 'team_local', settings: { framework: null } };

const { values } = parseArgs({ options: { output: { type: 'string', default: join(repository, '.vercel/output') } } });
const copy = join(repository, '.vercel', `${copyPrefix}${process.pid}`);
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

await removeAbandonedCopies();
await freshConsole();
await copyDeployable(copy);
run('tsc', ['--noEmit'], join(copy, 'node_modules/typescript/bin/tsc'));
await vercelBuild();
await place(join(copy, '.vercel/output'), resolve(values.output));
await check(resolve(values.output));

async function vercelBuild(): Promise<void> {
  await mkdir(join(copy, '.vercel'));
  await writeFile(join(copy, '.vercel/project.json'), JSON.stringify(localLink));
  // A folder of settings of its own: no login is used, so nothing is asked of the network.
  const settings = ['--global-config', join(copy, '.vercel/global')];
  // Standalone: the copy, to which the function's files would else refer, does not stay.
  run(
    'vercel',
    ['build', '--yes', '--standalone', ...settings],
    fileURLToPath(import.meta.resolve('vercel/dist/vc.js')),
  );
}

/** Runs a package's program in the copy; its failure ends the build. */
function run(name: string, args: readonly string[], program: string): void {
  const { status, error } = spawnSync(process.execPath, [program, ...args], {
    cwd: copy,
    env: buildEnvironment(),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error !== undefined) throw error;
  if (status !== 0) fail([`${name} failed`]);
}

/** Without the user's link to Vercel, and with the packages counting as installed. */
function buildEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('VERCEL_'));
  return {
    ...Object.fromEntries(own),
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    VERCEL_TELEMETRY_DISABLED: '1',
    VERCEL_INSTALL_COMPLETED: '1',
    VERCEL_INSTALL_COMPLETED_PATH: join(copy, 'package.json'),
  };
}

/** Copies of builds that were killed. */
async function removeAbandonedCopies(): Promise<void> {
  const parent = dirname(copy);
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    const pid = Number(name.startsWith(copyPrefix) ? name.slice(copyPrefix.length) : Number.NaN);
    if (Number.isInteger(pid) && !isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function place(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(dirname(to), { recursive: true });
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await cp(from, to, { recursive: true, verbatimSymlinks: true });
  }
}

async function check(output: string): Promise<void> {
  const built = await readBuildOutput(output);
  const [sources, publicFiles, migrations] = [filesBelow('api'), filesBelow('public'), filesBelow('migrations')];
  console.log(`\n${describeOutput(built)}\nIn ${output}`);
  const { crons } = JSON.parse(await readFile(join(repository, 'vercel.json'), 'utf8')) as Pick<BuildOutput, 'crons'>;
  const routes = sources.flatMap((file) => routePath(file) ?? []);
  const faults = faultsOf(built, { routes, publicFiles, migrations, crons });
  if (faults.length > 0) fail(faults);
}

function filesBelow(folder: string): readonly string[] {
  return globSync('**/*.*', { cwd: join(repository, folder) }).toSorted();
}

function fail(faults: readonly string[]): never {
  for (const fault of faults) console.error(`build: ${fault}`);
  process.exit(1);
}
