/**
 * The backends: their names, their order, what a user is told of each, and the settings that a driver needs to begin.
 *
 * Owns: these words and types. Knows nothing of the environment or of how a backend is reached.
 * The worst that can happen: a backend that forgets is said to persist.
 */
import type { Engine } from '../values.ts';

/** In the order of priority: the first that is configured is chosen. */
export const backendNames = ['postgres', 'network', 'volume', 'blob', 's3', 'gcs', 'local'] as const;

export type BackendName = (typeof backendNames)[number];

export const defaultDatabaseName = 'student_courses.db';

export interface PostgresSettings {
  readonly backend: 'postgres';
  /** Holds the password: never to be shown. */
  readonly connectionString: string;
  /** `neon` for hosts of Neon, which are reached best through their own driver. */
  readonly driver: 'pg' | 'neon';
}

/** A database file in a folder: network drive, volume, local disk. */
export interface DirectorySettings {
  readonly backend: 'network' | 'volume' | 'local';
  /** The folder. Absolute, except that a local one may be relative to the working directory. */
  readonly directory: string;
  /** The database file's name in it; one segment of a store key. */
  readonly name: string;
  /** Whether to make the folder. Never for a mount: a folder that is missing means that the drive is away. */
  readonly createDirectory: boolean;
}

/** `oidc`: through the token that Vercel gives each function, no long-lived secret. */
export type BlobCredentials =
  | { readonly kind: 'token'; readonly token: string; readonly storeId: string }
  | { readonly kind: 'oidc'; readonly storeId: string };

export interface BlobSettings {
  readonly backend: 'blob';
  readonly credentials: BlobCredentials;
  /** What the store was made as. In a public one, who knows an object's URL can read it. */
  readonly access: 'private' | 'public';
  /** The database file's key; may have `/`. */
  readonly name: string;
}

/**
 * `role`: through Vercel's OIDC token, no long-lived secret. `default`: where the SDK itself looks (a profile, the
 * machine's own role).
 */
export type S3Credentials =
  | { readonly kind: 'role'; readonly roleArn: string }
  | { readonly kind: 'default' }
  | {
      readonly kind: 'keys';
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken: string | null;
    };

export interface S3Settings {
  readonly backend: 's3';
  readonly bucket: string;
  /** The database file's key; may have `/`. */
  readonly name: string;
  readonly region: string;
  /** Base URL of an S3-compatible store; null for AWS itself. */
  readonly endpoint: string | null;
  readonly forcePathStyle: boolean;
  readonly credentials: S3Credentials;
}

/** A key of Google Cloud as its console issues it; the shape was checked. */
export interface GoogleKey {
  readonly type: 'service_account' | 'authorized_user' | 'external_account';
  readonly [field: string]: unknown;
}

/** `none`: an endpoint of one's own (an emulator) that asks for no credentials. */
export type GcsCredentials =
  | { readonly kind: 'inline'; readonly key: GoogleKey }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'none' };

export interface GcsSettings {
  readonly backend: 'gcs';
  readonly bucket: string;
  /** The database file's key; may have `/`. */
  readonly name: string;
  readonly endpoint: string | null;
  readonly credentials: GcsCredentials;
}

/** What the drivers of the DuckDB backends need. */
export type StoreSettings = DirectorySettings | BlobSettings | S3Settings | GcsSettings;

export type BackendSettings = PostgresSettings | StoreSettings;

/** What db-status says of a backend. */
export interface BackendTraits {
  readonly engine: Engine;
  /** Whether the data outlives the deployment. */
  readonly persistent: boolean;
  readonly message: string;
}

const duckdbOnStore: BackendTraits = {
  engine: 'duckdb',
  persistent: true,
  message: 'Data persists with external DuckDB storage',
};

const traits: Readonly<Record<BackendName, BackendTraits>> = {
  postgres: { engine: 'postgres', persistent: true, message: 'Data persists with external PostgreSQL' },
  network: duckdbOnStore,
  volume: duckdbOnStore,
  blob: duckdbOnStore,
  s3: duckdbOnStore,
  gcs: duckdbOnStore,
  local: {
    engine: 'duckdb',
    persistent: false,
    message: 'Data is in a local DuckDB file and does not persist across deployments',
  },
};

export function describeBackend(backend: BackendName): BackendTraits {
  return traits[backend];
}
