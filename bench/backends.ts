/** What databases are kept in while they are measured: the servers of the tests, and a folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Client } from 'pg';
import { firstLine } from './servers.ts';

export const cloudNames = ['s3', 'gcs', 'blob'] as const;
export type CloudName = (typeof cloudNames)[number];

/** Added each way between a program and a far backend. */
export const farMs = 20;

export type Variables = Readonly<Record<string, string>>;

export type Distance = 'near' | 'far';

/** What a user sets. */
export type Addresses = Readonly<Record<Distance, Variables>>;

/**
 * PostgreSQL at its quickest: it does not wait for the disk, and neither do the servers of the clouds. The memory is what a
 * machine of this size would give it.
 */
export const postgresSettings: Variables = {
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: "'512MB'",
  work_mem: "'64MB'",
  effective_cache_size: "'1GB'",
  max_connections: '100',
};

export interface Backend {
  readonly addresses: Addresses;
  close(): Promise<void>;
}

export async function startBackend(name: CloudName | 'postgres'): Promise<Backend> {
  const program = join(import.meta.dirname, 'backend-worker.ts');
  const child = spawn(process.execPath, [program, name], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const addresses = JSON.parse(await firstLine(child)) as Addresses;
  return {
    addresses,
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** A new database on the server, and how it is reached. */
export async function databaseOn({ addresses }: Backend, name: string, distance: Distance): Promise<Variables> {
  const client = new Client({ connectionString: addresses.near['DATABASE_URL']! });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(addresses[distance]['DATABASE_URL']!);
  url.pathname = `/${name}`;
  return { DATABASE_URL: url.href };
}
