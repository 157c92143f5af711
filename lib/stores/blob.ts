import { chooseStore, type StoreChoice } from '../config/given.ts';

export interface BlobOptions {
  /** Of the store. Default: BLOB_READ_WRITE_TOKEN. */
  readonly token?: string;
  /** Instead of a token: a store that is reached by the deployment's own OIDC token. Default: BLOB_STORE_ID. */
  readonly storeId?: string;
  /** The access that the store was created with. In a public one, anyone who knows an object's URL can read it. Default: private. */
  readonly access?: 'private' | 'public';
}

/**
 * Vercel Blob.
 *
 * @example openDatabase({ store: blob(), name: 'books.db' })
 * @throws AppError `invalid`
 */
export function blob({ token, storeId, access }: BlobOptions = {}): StoreChoice {
  const given = { BLOB_NAME: null, BLOB_ACCESS: access };
  // A token in the environment, under any name, may belong to another store.
  if (storeId !== undefined) return chooseStore('blob', { ...given, BLOB_STORE_ID: storeId }, {});
  return chooseStore('blob', { ...given, BLOB_READ_WRITE_TOKEN: token });
}
