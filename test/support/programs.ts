/** Starting programs that end with their test, children included, and that say why when they fail. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repository } from '../../scripts/deployable.ts';

export interface Finished {
  readonly code: number | null;
  readonly output: string;
}

/** The environment of this process, without what would tie a program to someone's Vercel project or database. */
function cleanEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { HOME, LANG } = process.env;
  const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  return { HOME, LANG, PATH, VERCEL_TELEMETRY_DISABLED: '1', ...more };
}

export interface ProgramOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs Node to its end. */
export function runNode(args: readonly string[], options: ProgramOptions): Promise<Finished> {
  return runProgram(process.execPath, args, options);
}

export async function runProgram(name: string, args: readonly string[], options: ProgramOptions): Promise<Finished> {
  const program = start(args, options, name);
  const [code] = (await once(program.child, 'close')) as [number | null];
  return { code, output: program.output() };
}

export interface DevServer {
  readonly port: number;
  readonly output: () => string;
  stop(): Promise<void>;
}

/** `vercel dev` in a folder that has its packages, ready to answer. */
export async function startDevServer(
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<DevServer> {
  const port = await freePort();
  const vercel = join(folder, 'node_modules/vercel/dist/vc.js');
  const settings = ['--global-config', join(folder, '.vercel-settings')];
  const args = [vercel, 'dev', '--local', '--yes', '--listen', `127.0.0.1:${port}`, ...settings];
  const { child, output } = start(args, { cwd: folder, environment });
  const server = { port, output, stop: () => endGroup(child) };
  try {
    await untilReady(port, child);
    return server;
  } catch (error) {
    await server.stop();
    throw new Error(`vercel dev did not start:\n${output()}`, { cause: error });
  }
}

export interface WebServer {
  /** `http://127.0.0.1:3000` */
  readonly url: string;
  readonly output: () => string;
  /** With SIGKILL, its children, too; resolves when it is gone. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** A server of whatever kind, ready to answer. `args` are those of Node, for a port that is free. */
export async function startWebServer(
  args: (port: number) => readonly string[],
  options: ProgramOptions,
): Promise<WebServer> {
  const port = await freePort();
  const environment = { PORT: String(port), ...options.environment };
  const { child, output } = start(args(port), { ...options, environment });
  const stop = () => endGroup(child);
  const kill = async () => {
    const ended = once(child, 'close');
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    await ended;
  };
  try {
    await untilReady(port, child);
    return { url: `http://127.0.0.1:${port}`, output, kill, stop };
  } catch (error) {
    await stop();
    throw new Error(`The server did not start:\n${output()}`, { cause: error });
  }
}

export interface ServedProject {
  /** `http://127.0.0.1:3000` */
  readonly url: string;
  readonly output: () => string;
  /** Resolves with the exit code, after a signal or a stop. */
  readonly ended: Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
  /** Kills whatever is left of it. */
  stop(): Promise<void>;
}

const serveCommand = [process.execPath, join(repository, 'scripts/db.ts'), 'serve'];

/** The server of `npm start`; it reads `.env` in `cwd`. `command`: another way to start it, which is given its options. */
export async function startServer(
  options: ProgramOptions & { readonly command?: readonly string[] },
): Promise<ServedProject> {
  const [file, ...args] = options.command ?? serveCommand;
  const { child, output } = start([...args, '--port', '0'], options, file);
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const stop = () => endGroup(child);
  for (let attempt = 0; attempt < 600 && child.exitCode === null; attempt += 1) {
    const url = /^Eider serves (\S+)$/m.exec(output())?.[1];
    if (url !== undefined) return { url, output, ended, stop, signal: (signal) => child.kill(signal) };
    await sleep(50);
  }
  await stop();
  throw new Error(`The server did not start:\n${output()}`);
}

function start(
  args: readonly string[],
  { cwd, environment }: ProgramOptions,
  program = process.execPath,
): { child: ChildProcess; output: () => string } {
  const child = spawn(program, args, {
    cwd,
    env: cleanEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // A group of its own, so that it can be ended with its children.
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  }
  return { child, output: () => chunks.join('') };
}

async function untilReady(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`It ended with code ${child.exitCode}.`);
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    if (answer?.ok === true) return;
    await sleep(100);
  }
  throw new Error('It did not answer within 30 s.');
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'close') : Promise.resolve();
  signalGroup(child.pid, 'SIGTERM');
  await Promise.race([ended, sleep(5_000)]);
  signalGroup(child.pid, 'SIGKILL');
  await ended;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // All of it has ended.
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port was given');
  return address.port;
}
