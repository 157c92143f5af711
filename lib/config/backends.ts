import { resolve } from 'node:path';
import type { BlobCredentials } from '../store/blob/credentials.ts';
import type { GcsCredentials } from '../store/gcs/authorization.ts';
import type { S3Credentials } from '../store/s3/client.ts';
import type { Store } from '../store/store.ts';
import type { EngineName } from '../values.ts';

/** In the order of priority: the first that is configured is chosen. */
export const backendNames = ['postgres', 'network', 'volume', 'blob', 's3', 'gcs', 'local'] as const;

export type ConfigurableBackend = (typeof backendNames)[number];

/** `custom`: a store that the program made itself. */
export type BackendName = ConfigurableBackend | 'custom';

export const defaultDatabaseName = 'student_courses.db';

export interface PostgresSettings {
  readonly backend: 'postgres';
  /** Holds the password: never to be shown. */
  readonly connectionString: string;
  /** `neon` for hosts of Neon, which are reached best through their own driver. */
  readonly driver: 'pg' | 'neon';
}

export interface DirectorySettings {
  readonly backend: 'network' | 'volume' | 'local';
  /** The folder. Absolute, except that a local one may be relative to the working directory. */
  readonly directory: string;
  /** The database file's name in it; one segment of a store key. */
  readonly name: string;
  /** Whether to make the folder. Never for a mount: a folder that is missing means that the drive is away. */
  readonly createDirectory: boolean;
}

export interface BlobSettings {
  readonly backend: 'blob';
  readonly credentials: BlobCredentials & { readonly storeId: string };
  /** The access that the store was created with. In a public one, anyone who knows an object's URL can read it. */
  readonly access: 'private' | 'public';
  /** The database file's key; may have `/`. */
  readonly name: string;
}

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

export interface GcsSettings {
  readonly backend: 'gcs';
  readonly bucket: string;
  /** The database file's key; may have `/`. */
  readonly name: string;
  readonly endpoint: string | null;
  readonly credentials: GcsCredentials;
}

export interface CustomSettings {
  readonly backend: 'custom';
  readonly store: Store;
  readonly name: string;
}

export type StoreSettings = DirectorySettings | BlobSettings | S3Settings | GcsSettings | CustomSettings;

export type BackendSettings = PostgresSettings | StoreSettings;

export interface BackendTraits {
  readonly engine: EngineName;
  readonly persistent: boolean;
  readonly message: string;
}

const duckdbOnStore: BackendTraits = {
  engine: 'duckdb',
  persistent: true,
  message: 'Data persists with external DuckDB storage',
};

const traits: Readonly<Partial<Record<BackendName, BackendTraits>>> = {
  postgres: { engine: 'postgres', persistent: true, message: 'Data persists with external PostgreSQL' },
  local: {
    engine: 'duckdb',
    persistent: false,
    message: 'Data is in a local DuckDB file and does not persist across deployments',
  },
};

/**
 * How long data last, in words. A laptop's file stays where it is: only a deployment takes it along when it goes.
 *
 * @example persistenceMessage(config, { tellsPlace: true }) // 'Data is in /srv/data/student_courses.db on this machine'
 */
export function persistenceMessage(
  { chosen, onVercel }: { readonly chosen: BackendSettings; readonly onVercel: boolean },
  { tellsPlace }: { readonly tellsPlace: boolean },
): string {
  if (chosen.backend !== 'local' || onVercel) return describeBackend(chosen.backend).message;
  const file = tellsPlace ? resolve(chosen.directory, chosen.name) : 'a local DuckDB file';
  return `Data is in ${file} on this machine`;
}

export function describeBackend(backend: BackendName): BackendTraits {
  return traits[backend] ?? duckdbOnStore;
}
