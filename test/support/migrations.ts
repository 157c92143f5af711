/** The migrations that the project comes with. */
import { fileURLToPath } from 'node:url';
import { loadMigrations } from '../../lib/catalog/migration-files.ts';

export const migrations = loadMigrations(fileURLToPath(new URL('../../migrations', import.meta.url)));
