import { lazyDatabase } from 'eider';

/** The database that the environment names. It is opened by its first use, so a build needs none. */
export const db = lazyDatabase();
