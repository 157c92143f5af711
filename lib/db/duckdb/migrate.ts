/**
 * Migrations on DuckDB: each one runs once, in a commit of its own, whichever process comes first.
 *
 * Owns: the table of migrations that have run. The worst that can happen: a migration run twice; the table is read in the
 * same transaction that the migration changes.
 */
import { AppError } from '../../errors.ts';
import type { Migration } from '../../schema/migration.ts';
import type { Queries } from '../../values.ts';
import type { Shapes } from '../../sync/shapes.ts';
import type { WriteTransaction } from '../../sync/batch.ts';
import type { Engine } from '../../sync/engine.ts';
import type { Runtime } from '../../runtime.ts';
import { resultRows, type Session } from '../../sync/sql.ts';
import { runWriting } from './transaction.ts';

const migrationTable = 'eider.migrations';

/** Runs the migrations that have not run on this database yet, in order. */
export async function runMigrations(engine: Engine, migrations: readonly Migration[], runtime: Runtime): Promise<void> {
  const { value: done } = await engine.read((session) => migrationsDone(session), {
    maxStalenessMs: Infinity,
    atLeast: undefined,
  });
  for (const migration of migrations) {
    if (!done.has(migration.name))
      await engine.write((transaction) => runOne({ transaction, shapes: engine.shapes, migration, runtime }));
  }
}

/** The names of the migrations that have run. */
export async function migrationsDone(session: Session): Promise<Set<string>> {
  const found = await session.table('eider', 'migrations', 'name');
  return new Set(found ? resultRows(found).map(([name]) => String(name)) : []);
}

interface MigrationRun {
  readonly transaction: WriteTransaction;
  readonly shapes: Shapes;
  readonly migration: Migration;
  readonly runtime: Runtime;
}

async function runOne({ transaction, shapes, migration, runtime }: MigrationRun): Promise<void> {
  if ((await migrationsDone(transaction.session)).has(migration.name)) return;
  await runWriting({ transaction, shapes }, async ({ queries }) => {
    await makeMigrationTable(queries);
    await migration.up({ queries, engine: 'duckdb' }).catch((error: unknown) => {
      throw nameTaken(migration, error) ?? error;
    });
    await queries
      .insertInto(migrationTable)
      .values({ name: migration.name, at: new Date(runtime.now()) })
      .execute();
  });
}

/** For a database file that somebody made: it may have a table, a view or an index by a name that a migration needs. */
function nameTaken(migration: Migration, cause: unknown): AppError | null {
  const [, kind, name] = /(\w+) with name "?([^"]+?)"? already exists/.exec(String(cause)) ?? [];
  if (name === undefined) return null;
  return new AppError(
    'invalid',
    `The database file has a ${kind?.toLowerCase()} ${name} already, which ${migration.name} makes.`,
    {
      cause,
      hint: `Rename it in the database file, or name another file; nothing of it was changed.`,
    },
  );
}

async function makeMigrationTable(queries: Queries): Promise<void> {
  await queries.schema.createSchema('eider').ifNotExists().execute();
  await queries.schema
    .createTable(migrationTable)
    .ifNotExists()
    .addColumn('name', 'varchar', (column) => column.primaryKey())
    .addColumn('at', 'timestamptz', (column) => column.notNull())
    .execute();
}
