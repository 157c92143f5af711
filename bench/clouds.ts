/** Clouds to measure: their test servers, near or 20 ms away each way, and stores on them as the functions open them. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openStore } from '../lib/backends.ts';
import { readConfig } from '../lib/config/config.ts';
import { systemRuntime } from '../lib/runtime.ts';
import type { Store } from '../lib/store/store.ts';
import { redirectBlob } from '../test/support/servers/blob-redirect.ts';

export const cloudNames = ['s3', 'gcs', 'blob'] as const;
export type CloudName = (typeof cloudNames)[number];

/** Added to each request and to each answer. */
export const farMs = 20;

export interface CloudAddress {
  /** What a user sets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Blob has one address for all; a process goes to this one instead. */
  readonly blobServer?: string;
}

export interface BenchCloud extends CloudAddress {
  readonly name: CloudName;
  /** A client of its own. */
  open(): Promise<Store>;
  close(): Promise<void>;
}

export interface CloudOptions {
  readonly latencyMs?: number;
  /** Of each connection; 0 for no limit. */
  readonly bytesPerSecond?: number;
}

export async function startCloud(name: CloudName, { latencyMs = 0, bytesPerSecond = 0 }: CloudOptions = {}) {
  const program = join(import.meta.dirname, 'cloud-server-worker.ts');
  const child = spawn(process.execPath, [program, name, String(latencyMs), String(bytesPerSecond)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const address = await new Promise<CloudAddress>((resolve, reject) => {
    createInterface(child.stdout).once('line', (line) => resolve(JSON.parse(line) as CloudAddress));
    void ended.then(() => reject(new Error(`The server of ${name} did not start.`)));
  });
  const restore = address.blobServer === undefined ? () => undefined : redirectBlob(address.blobServer);
  const cloud: BenchCloud = {
    name,
    ...address,
    open: async () => (await openStore(readConfig(address.environment), systemRuntime)).store,
    close: async () => {
      restore();
      child.stdin.end();
      await ended;
    },
  };
  return cloud;
}
