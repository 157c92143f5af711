/**
 * The clouds on loopback, as other processes reach them: what a user sets, and apart from that what stands in for the
 * addresses that no variable can change.
 */
import { systemRuntime } from '../../lib/runtime.ts';
import { createS3Store } from '../../lib/store/s3.ts';
import { startBlobServer } from '../support/servers/blob.ts';
import { GcsServer } from '../support/servers/gcs.ts';
import { startS3Server } from '../support/servers/s3.ts';

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
  /** What the cloud holds, whatever Eider says. */
  read(key: string): Promise<Uint8Array | null>;
  close(): Promise<void>;
}

export const startCloud: Readonly<Record<CloudName, () => Promise<CloudServer>>> = {
  blob: startBlob,
  s3: startS3,
  gcs: startGcs,
};

const key = 'school/courses.db';

async function startBlob(): Promise<CloudServer> {
  const server = await startBlobServer();
  const store = server.addStore();
  return {
    environment: { BLOB_READ_WRITE_TOKEN: store.token, BLOB_NAME: key },
    redirection: {
      EIDER_TEST_BLOB_SERVER: server.url,
      NODE_OPTIONS: importing(new URL('../support/servers/blob-redirect.ts', import.meta.url)),
    },
    key,
    secrets: [store.token.split('_').at(-1)!],
    read: async (name) => store.find(name)?.bytes ?? null,
    close: () => server.close(),
  };
}

async function startS3(): Promise<CloudServer> {
  const secretAccessKey = 'zqSecretOfS3';
  const server = await startS3Server({ secretAccessKey });
  const { accessKeyId, bucket, endpoint, region } = server;
  const credentials = { kind: 'keys', accessKeyId, secretAccessKey, sessionToken: null } as const;
  const store = createS3Store({ bucket, endpoint, region, credentials, forcePathStyle: true, runtime: systemRuntime });
  return {
    environment: {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      S3_BUCKET: bucket,
      S3_KEY: key,
      S3_ENDPOINT: endpoint,
    },
    redirection: {},
    key,
    secrets: [secretAccessKey],
    read: (name) => store.get(name),
    close: () => server.close(),
  };
}

async function startGcs(): Promise<CloudServer> {
  const server = await GcsServer.start({ asksForTokens: true });
  const bucket = server.makeBucket();
  const account = server.accounts.key;
  return {
    environment: {
      GCS_BUCKET: bucket.name,
      GCS_KEY: key,
      GCS_ENDPOINT: server.url,
      GOOGLE_APPLICATION_CREDENTIALS: JSON.stringify(account),
    },
    redirection: {
      EIDER_TEST_TOKEN_SERVER: server.url,
      NODE_OPTIONS: importing(new URL('../support/servers/gcs/redirect.ts', import.meta.url)),
    },
    key,
    secrets: account.private_key.split('\n').filter((line) => line.length > 40),
    read: async (name) => bucket.find(name)?.bytes ?? null,
    close: () => server.stop(),
  };
}

function importing(file: URL): string {
  return `--import=${file.href}`;
}
