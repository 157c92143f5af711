/**
 * pgbouncer (Debian's) in transaction mode before a PostgreSQL server: each transaction may run in another session, and
 * what a session remembers is somebody else's. `apt-get install pgbouncer`.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.ts';
import type { PostgresServer } from './postgres.ts';

const program = '/usr/sbin/pgbouncer';

export const hasPgbouncer = existsSync(program);

export interface Pooler {
  /** The URL of a database, through the pooler. */
  through(url: string): string;
  close(): Promise<void>;
}

export async function startPgbouncer(server: PostgresServer): Promise<Pooler> {
  const folder = await mkdtemp(join(tmpdir(), 'eider-pgbouncer-'));
  const port = await freePort();
  const users = join(folder, 'users.txt');
  const configuration = join(folder, 'pgbouncer.ini');
  await writeFile(users, `"${server.user}" "${server.password}"\n`);
  await writeFile(configuration, settings(server, port, users));
  // It refuses to run as root, and then reads its files as another.
  const identity = process.getuid?.() === 0 ? ['--user=nobody'] : [];
  const child = spawn(program, [...identity, configuration], { stdio: ['ignore', 'ignore', 'pipe'] });
  const onExit = (): void => void child.kill('SIGKILL');
  process.once('exit', onExit);
  await listening(child.stderr);
  return {
    through: (url) => Object.assign(new URL(url), { port: String(port) }).href,
    async close() {
      process.off('exit', onExit);
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function settings({ host, port }: PostgresServer, listenPort: number, users: string): string {
  return `[databases]
* = host=${host} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = 4
max_client_conn = 100
server_idle_timeout = 1
`;
}

/** pgbouncer says on its standard error when it is up. */
async function listening(errors: NodeJS.ReadableStream): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    errors.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      if (said.includes('process up')) resolve();
    });
    errors.once('end', () => reject(new Error(`pgbouncer did not start: ${said}`)));
  });
}
