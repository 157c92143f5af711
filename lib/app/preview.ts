import type { Database } from '../db/database.ts';
import { AppError } from '../errors.ts';

const message = 'This preview deployment shares its database with others, so it can only read.';
const hint =
  'To let previews write, set DB_PREVIEW=shared for Preview, best together with the variables of a database of their own.';

const refuse = (): Promise<never> => Promise.reject(new AppError('read-only', message, { hint }));

/** The database as a preview deployment has it: it reads, and changes nothing. */
export function readOnly(database: Database): Database {
  return {
    engine: database.engine,
    read: (work, options) => database.read(work, options),
    write: refuse,
    catalog: (options) => database.catalog(options),
    query: (request, options) => database.query(request, options),
    queryAll: (requests, options) => database.queryAll(requests, options),
    exportTo: (path, options) => database.exportTo(path, options),
    changes: (request) => database.changes(request),
    uploads: { ...database.uploads, keep: refuse, drop: refuse, dropAbandoned: refuse },
    status: async () => {
      const status = await database.status();
      return { ...status, warnings: [...status.warnings, `${message} ${hint}`] };
    },
    stranded: { list: async () => (await database.stranded?.list()) ?? [], dismiss: refuse },
    sync: refuse,
    maintain: () => Promise.resolve(),
    close: () => database.close(),
  };
}
