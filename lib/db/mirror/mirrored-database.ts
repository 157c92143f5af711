import { isAppError } from '../../errors.ts';
import { makeOwnFolder } from '../../folders.ts';
import type { Runtime } from '../../runtime.ts';
import type { Engine as MirrorEngine } from '../../sync/engine.ts';
import { Turn } from '../../sync/turn.ts';
import type { Database, DatabaseStatus, MirrorOutcome } from '../database.ts';
import { inTransaction, isTable } from '../move/postgres-session.ts';
import type { ConnectionPool } from '../postgres/pool.ts';
import type { PooledDatabase } from '../postgres/postgres-database.ts';
import type { MirrorReport } from './mirror.ts';

interface MirrorPlace {
  readonly source: string;
  readonly address: string;
  readonly backend: string;
  open(): Promise<MirrorEngine>;
  readonly spillFolder: string;
  readonly runtime: Runtime;
}

export function withMirror(database: PooledDatabase, place: MirrorPlace): Database {
  const turn = new Turn();
  return {
    engine: 'postgres',
    uploads: database.uploads,
    read: (...given) => database.read(...given),
    write: (...given) => database.write(...given),
    catalog: (...given) => database.catalog(...given),
    query: (...given) => database.query(...given),
    queryAll: (...given) => database.queryAll(...given),
    exportTo: (...given) => database.exportTo(...given),
    changes: (...given) => database.changes(...given),
    maintain: () => database.maintain(),
    status: () => statusWith(database, place),
    async sync() {
      const started = place.runtime.monotonicMs();
      const report = await database.sync();
      const mirror = await turn.take(() => refresh(database, place));
      return { ...report, mirror, durationMs: Math.round(place.runtime.monotonicMs() - started) };
    },
    async close() {
      await turn.take(() => Promise.resolve());
      await database.close();
    },
  };
}

async function statusWith(
  database: PooledDatabase,
  { address, backend, runtime }: MirrorPlace,
): Promise<DatabaseStatus> {
  const status = await database.status();
  const known = await readKnown(database.pool, address);
  const ageSeconds = known.at === null ? null : Math.max(0, Math.round((runtime.now() - Date.parse(known.at)) / 1000));
  const warnings = known.trouble === null ? status.warnings : [...status.warnings, known.trouble];
  return { ...status, mirror: { backend, ...known, ageSeconds }, warnings };
}

async function refresh(database: PooledDatabase, place: MirrorPlace): Promise<MirrorOutcome> {
  const { pool } = database;
  const { address } = place;
  try {
    const report = await refreshOnce(database, place);
    await writeKnown(pool, address, { version: report.version, at: report.at, trouble: null });
    return report;
  } catch (error) {
    const reason = reasonOf(error);
    // Its known state stays, and the failure is recorded; if that fails too, the answer reports it.
    await readKnown(pool, address)
      .then((known) => writeKnown(pool, address, { ...known, trouble: reason }))
      .catch(() => undefined);
    if (!isAppError(error)) throw error;
    return { how: 'failed', reason };
  }
}

async function refreshOnce(database: PooledDatabase, place: MirrorPlace): Promise<MirrorReport> {
  // With DuckDB, which a process that serves from PostgreSQL does not need otherwise.
  const { refreshMirror } = await import('./mirror.ts');
  await makeOwnFolder(place.spillFolder);
  const engine = await place.open();
  try {
    return await refreshMirror({ ...place, postgres: { database, pool: database.pool }, engine });
  } finally {
    await engine.close();
  }
}

function reasonOf(error: unknown): string {
  if (!isAppError(error)) return 'The mirror could not be refreshed because of a defect of this program.';
  return [error.message, error.hint].filter((text) => text !== undefined).join(' ');
}

/** What PostgreSQL keeps in `eider.mirrors`, so that every instance knows the mirror without opening it. */
interface KnownMirror {
  readonly version: number | null;
  readonly at: string | null;
  readonly trouble: string | null;
}

const nothing: KnownMirror = { version: null, at: null, trouble: null };

function readKnown(pool: ConnectionPool, address: string): Promise<KnownMirror> {
  return inTransaction(pool, 'read', async (postgres) => {
    if (!(await isTable(postgres, 'eider.mirrors'))) return nothing;
    const [row] = await postgres.rows(
      'SELECT version::text AS version, at, trouble FROM eider.mirrors WHERE store = $1',
      [address],
    );
    if (!row) return nothing;
    const { version = null, at = null, trouble = null } = row;
    return { version: version === null ? null : Number(version), at, trouble };
  });
}

function writeKnown(pool: ConnectionPool, address: string, known: KnownMirror): Promise<void> {
  return inTransaction(pool, 'write', async (postgres) => {
    if (!(await isTable(postgres, 'eider.mirrors'))) {
      await postgres.rows(`CREATE TABLE IF NOT EXISTS eider.mirrors
        (store text PRIMARY KEY, version bigint, at text, trouble text)`);
    }
    const { version, at, trouble } = known;
    await postgres.rows(
      `INSERT INTO eider.mirrors VALUES ($1, $2::bigint, $3, $4)
      ON CONFLICT (store) DO UPDATE SET version = excluded.version, at = excluded.at, trouble = excluded.trouble`,
      [address, version === null ? null : String(version), at, trouble],
    );
  });
}
