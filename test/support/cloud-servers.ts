/**
 * The clouds on loopback, as other processes reach them: what a user sets, and apart from that what stands in for the
 * addresses that no variable can change.
 */
import { openStore } from '../../lib/backends.ts';
import { readConfig } from '../../lib/config/config.ts';
import { systemRuntime } from '../../lib/runtime.ts';
import { type CloudPlace, startCloud as startSharedCloud } from './clouds.ts';

export const cloudNames = ['blob', 's3', 'gcs'] as const;

export type CloudName = (typeof cloudNames)[number];

type Variables = Readonly<Record<string, string>>;

export interface CloudServer {
  /** What a user sets, and nothing else. The database file is `key`. */
  readonly environment: Variables;
  /** Where the provider has one address for everybody: for the environment of a process that is to come here instead. */
  readonly redirection: Variables;
  readonly key: string;
  /** Texts that nobody may see. */
  readonly secrets: readonly string[];
  /** What the cloud holds under a key. */
  read(key: string): Promise<Uint8Array | null>;
  close(): Promise<void>;
}

export const startCloud: Readonly<Record<CloudName, () => Promise<CloudServer>>> = {
  blob: () => start('blob'),
  s3: () => start('s3'),
  gcs: () => start('gcs'),
};

async function start(name: CloudName): Promise<CloudServer> {
  const cloud = await startSharedCloud(name);
  const { environment, imports, processEnvironment }: CloudPlace = cloud.fresh();
  const opened = await openStore(readConfig(environment), systemRuntime);
  const importing = imports.map((path) => `--import=${path}`).join(' ');
  return {
    environment,
    redirection: { ...processEnvironment, ...(importing === '' ? {} : { NODE_OPTIONS: importing }) },
    key: opened.name,
    secrets: secretsOf(environment),
    read: (key) => opened.store.get(key),
    close: () => cloud.close(),
  };
}

function secretsOf(environment: Variables): readonly string[] {
  const { BLOB_READ_WRITE_TOKEN, AWS_SECRET_ACCESS_KEY, GOOGLE_APPLICATION_CREDENTIALS } = environment;
  if (BLOB_READ_WRITE_TOKEN !== undefined) return [BLOB_READ_WRITE_TOKEN.split('_').at(-1)!];
  if (AWS_SECRET_ACCESS_KEY !== undefined) return [AWS_SECRET_ACCESS_KEY];
  const { private_key: key } = JSON.parse(GOOGLE_APPLICATION_CREDENTIALS!) as { private_key: string };
  return key.split('\n').filter((line) => line.length > 40);
}
