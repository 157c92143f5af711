import { type MigrationPlan, type MigrationRun, type MigrationScript, statementsFor } from '../catalog/migrations.ts';

export interface MigrationReport {
  /** Names of those that ran now, in the order of the files. */
  readonly ran: readonly string[];
  /** With a dry run: that would run. */
  readonly pending: readonly string[];
  /** Of the sample, which a database with tables of its own does not get. */
  readonly skipped: readonly string[];
  readonly differing: MigrationPlan['differing'];
}

/** How migrations are run when a database opens. */
export interface MigrationMode {
  /** Nothing is run. */
  readonly isDryRun: boolean;
  report(report: MigrationReport): void;
}

/** What would become of them. */
export async function previewMigrations(
  { pending, differing }: MigrationPlan,
  runs: readonly MigrationRun[],
  scripts: readonly MigrationScript[],
  hasTables: () => Promise<boolean>,
): Promise<MigrationReport> {
  const wanted: string[] = [];
  const unwanted: string[] = [];
  for (const script of pending) {
    const statements = await statementsFor(script, runs, scripts, hasTables);
    (statements ? wanted : unwanted).push(script.name);
  }
  return { ran: [], pending: wanted, skipped: unwanted, differing };
}
