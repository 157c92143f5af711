/**
 * `node scripts/console.ts`: builds the console into public/, unless it is there and made of these very sources.
 *
 * `npm ci` runs it, as do a start and the bundle of a deployment, so that nobody has to think of it: see docs/decisions.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'console');
const target = join(root, 'public');
const page = join(target, 'index.html');
const stamp = 'eider-sources';

/** False where the console comes built, or what builds it is not installed. */
const canBuild = (): boolean =>
  existsSync(join(sources, 'vite.config.ts')) && existsSync(join(root, 'node_modules/vite'));

/**
 * Sees to it that public/ has the console as its sources are now. It is built by a process of its own: a server answers
 * meanwhile, and in a test Vite would build for tests.
 */
export async function freshConsole(): Promise<void> {
  if (await isCurrent()) return;
  await showBuilding();
  const building = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const [said, [code]] = await Promise.all([text(building.stderr), once(building, 'close')]);
  if (code !== 0) throw new Error(`The console could not be built: ${said}`);
}

/** Where there is no page yet, one that says so, and loads again by itself. */
export async function showBuilding(): Promise<void> {
  if (canBuild() && !existsSync(page)) await copyFile(join(sources, 'building.html'), page);
}

/** Whether public/ has the console, made of the sources as they are now. */
async function isCurrent(): Promise<boolean> {
  if (!canBuild()) return true;
  const built = await readFile(page, 'utf8').catch(() => '');
  return built.includes(`<meta name="${stamp}" content="${await hashOfSources()}"`);
}

async function buildConsole(): Promise<void> {
  const hash = await hashOfSources();
  const { build } = await import('vite');
  const output = await mkdtemp(join(tmpdir(), 'eider-console-'));
  await build({
    configFile: join(sources, 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: output, emptyOutDir: true },
  });
  // The page last: whoever gets it finds what it asks for. What the one before needs stays until then.
  const before = new Set(globSync('assets/**/*.*', { cwd: target }));
  await cp(join(output, 'assets'), join(target, 'assets'), { recursive: true });
  const html = await readFile(join(output, 'index.html'), 'utf8');
  await writeFile(page, html.replace('</head>', `  <meta name="${stamp}" content="${hash}" />\n  </head>`));
  const now = new Set(globSync('assets/**/*.*', { cwd: output }));
  for (const file of before) if (!now.has(file)) await rm(join(target, file), { force: true });
  await rm(output, { recursive: true, force: true });
}

async function hashOfSources(): Promise<string> {
  const files = globSync(['console/**/*.*', 'lib/catalog/*.ts', 'package-lock.json', 'scripts/console.ts'], {
    cwd: root,
  });
  const hash = createHash('sha256');
  for (const file of files.toSorted()) hash.update(`${file}\0`).update(await readFile(join(root, file)));
  return hash.digest('base64url').slice(0, 22);
}

if (import.meta.main && !(await isCurrent())) await buildConsole();
