import { chooseStore, type StoreChoice } from '../config/given.ts';

export interface GcsOptions {
  readonly bucket: string;
  /** A service account's key, as JSON. Default: GOOGLE_APPLICATION_CREDENTIALS. */
  readonly credentials?: object;
  /** Of an emulator. Default: GCS_ENDPOINT; null: Google itself. */
  readonly endpoint?: string | null;
}

/**
 * Google Cloud Storage.
 *
 * @example openDatabase({ store: gcs({ bucket: 'my-data' }), name: 'books.db' })
 * @throws AppError `invalid`
 */
export function gcs({ bucket, credentials, endpoint }: GcsOptions): StoreChoice {
  return chooseStore('gcs', {
    GCS_BUCKET: bucket,
    GCS_KEY: null,
    GCS_ENDPOINT: endpoint,
    ...(endpoint === null && { STORAGE_EMULATOR_HOST: null }),
    GOOGLE_APPLICATION_CREDENTIALS: credentials && JSON.stringify(credentials),
  });
}
