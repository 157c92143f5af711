/**
 * What became of migrations when a database was opened.
 */
import type { MigrationPlan } from '../catalog/migrations.ts';

export interface MigrationReport {
  /** Names of those that ran now, or that would run: in the order of the files. */
  readonly ran: readonly string[];
  readonly pending: readonly string[];
  /** Of the sample, which a database with tables of its own does not get; noted now. */
  readonly skipped: readonly string[];
  readonly differing: MigrationPlan['differing'];
}

/** How migrations are run when a database opens. */
export interface MigrationMode {
  /** Nothing is run. */
  readonly isDryRun: boolean;
  report(report: MigrationReport): void;
}
