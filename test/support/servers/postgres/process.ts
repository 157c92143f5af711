/** The processes of one server: started, ended, stopped in their tracks. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../ports.ts';
import type { Binaries, Identity } from './cluster.ts';

export interface ProcessOptions {
  readonly binaries: Binaries;
  readonly identity: Identity;
  readonly data: string;
}

/** A test process that is killed takes its server along. */
const dyingWithUs = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL'] : [];

/** After a kill, what is left of the old processes keeps the data for a moment; recovery takes its time too. */
const startWithinMs = 30_000;

export class PostgresProcess {
  readonly #options: ProcessOptions;
  readonly #onExit = (): void => void this.#child?.kill('SIGKILL');
  #child: ChildProcess | null = null;
  #port = 0;

  constructor(options: ProcessOptions) {
    this.#options = options;
  }

  get port(): number {
    return this.#port;
  }

  /** Another process may take the port between our look and the server's: then the next one. */
  async startOnFreePort(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.#port = await freePort();
      const failure = await this.#startOnce();
      if (failure === null) return;
      if (attempt === 5 || !failure.includes('could not bind')) throw new Error(`PostgreSQL did not start: ${failure}`);
    }
  }

  async start(): Promise<void> {
    const until = Date.now() + startWithinMs;
    for (;;) {
      const failure = await this.#startOnce();
      if (failure === null) return;
      if (Date.now() > until) throw new Error(`PostgreSQL did not start: ${failure}`);
      await sleep(100);
    }
  }

  /** Sends the signal to the postmaster and waits until it is gone. */
  async end(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = null;
    process.off('exit', this.#onExit);
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  /** Sends the signal to the postmaster, then to its children. */
  async signalAll(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    process.kill(pid, signal);
    for (const child of await childrenOf(pid)) signalIfThere(child, signal);
  }

  /** Null when it accepts connections; else what it said before it went. */
  async #startOnce(): Promise<string | null> {
    const { binaries, identity, data } = this.#options;
    const command = [...dyingWithUs, binaries.postgres, '-D', data, '-p', String(this.#port)];
    const child = spawn(command[0]!, command.slice(1), {
      ...identity,
      cwd: data,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    const ready = new Promise<boolean>((resolve) => {
      child.stderr.on('data', (bytes: Buffer) => {
        said = `${said}${bytes.toString()}`.slice(-10_000);
        if (said.includes('ready to accept connections')) resolve(true);
      });
      child.once('exit', () => resolve(false));
      child.once('error', (error) => {
        said += error.message;
        resolve(false);
      });
    });
    if (!(await ready)) return said;
    this.#child = child;
    process.once('exit', this.#onExit);
    return null;
  }
}

/** A session may end between the look and the signal. */
function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  // `pid (name) state parent …`; the name may hold anything.
  return pids.filter((_, index) => Number(parents[index]?.split(') ').at(-1)?.split(' ')[1]) === parent);
}
