/** The servers that are measured, each a process of its own: Eider as the package serves it, and those written by hand. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildModules } from '../scripts/package.ts';
import { repository } from '../scripts/deployable.ts';
import type { Variables } from './backends.ts';
import { token } from './http-client.ts';

export interface Server {
  readonly url: string;
  /** CPU time of the thread that runs JavaScript so far, in ms. */
  cpuMs(): number;
  /** Memory of it and of the processes that it started, in MB. */
  memoryMb(): number;
  /** SIGTERM: it ends what it began. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export type ByHand = readonly [engine: 'duckdb' | 'sqlite' | 'pg', upload: 'none' | 'before' | 'background'];

export class Servers {
  readonly #folder: string;
  readonly #running = new Set<ChildProcess>();
  #started = 0;
  #built: Promise<string> | null = null;

  /** `folder` is made when needed, and is the caller's to remove. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** `eider serve` of the package, with temporary files of its own: a warm instance. */
  async eider(variables: Variables): Promise<Server> {
    this.#built ??= this.#build();
    const program = await this.#built;
    const TMPDIR = await this.#folderOfOne();
    const environment = { TMPDIR, ADMIN_TOKEN: token, ...variables };
    // Nothing in the environment changes where the SDK of Blob asks.
    const redirect = join(import.meta.dirname, '../test/support/servers/blob-redirect.ts');
    const first = 'EIDER_TEST_BLOB_SERVER' in variables ? ['--import', redirect] : [];
    return this.#start(
      [...first, program, 'serve', '--port', '0', '--json'],
      environment,
      join(this.#folder, 'package'),
    );
  }

  async byHand([engine, upload]: ByHand, variables: Variables): Promise<Server> {
    const TMPDIR = await this.#folderOfOne();
    const program = join(import.meta.dirname, 'by-hand-worker.ts');
    return this.#start([program, engine, upload], { TMPDIR, ...variables }, TMPDIR);
  }

  /** For an end in the middle of something. */
  killAll(): void {
    for (const child of this.#running) child.kill('SIGKILL');
  }

  async #folderOfOne(): Promise<string> {
    const folder = join(this.#folder, `server-${++this.#started}`);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  async #build(): Promise<string> {
    const folder = join(this.#folder, 'package');
    await buildModules(join(folder, 'dist'));
    await copyFile(join(repository, 'package.json'), join(folder, 'package.json'));
    for (const name of ['node_modules', 'migrations']) await symlink(join(repository, name), join(folder, name));
    return join(folder, 'dist/eider.js');
  }

  async #start(args: readonly string[], env: Variables, cwd: string): Promise<Server> {
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#running.add(child);
    const ended = once(child, 'close').then(() => this.#running.delete(child));
    const { url } = JSON.parse(await firstLine(child)) as { url: string };
    const end = async (signal: NodeJS.Signals): Promise<void> => {
      child.kill(signal);
      await ended;
    };
    return {
      url,
      cpuMs: () => cpuMsOf(child.pid!),
      memoryMb: () => memoryMbOf(child.pid!),
      stop: () => end('SIGTERM'),
      kill: () => end('SIGKILL'),
    };
  }
}

/** What a program says first. @throws Error when it ends before that */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface(child.stdout!).once('line', resolve);
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`A server ended with ${code} before it listened.`)));
  });
}

/** The first thread of a process has the process's number. https://docs.kernel.org/scheduler/sched-stats.html */
function cpuMsOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

/** Of the process and of those that it started. */
function memoryMbOf(pid: number): number {
  try {
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return Number(rss) / 1024 + children.reduce((sum, child) => sum + memoryMbOf(Number(child)), 0);
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}
