/**
 * `npm run db -- migrate`: what of the migrations ran, would run, or is not as it was.
 */
import type { App } from '../app.ts';
import { describeDifference } from '../catalog/migrations.ts';
import type { MigrationMode, MigrationReport } from '../db/migration-report.ts';

const nothing: MigrationReport = { ran: [], pending: [], skipped: [], differing: [] };

/** Opens the database with `makeApp`, which passes the mode on. Answers what came of it; the app is closed. */
export async function migrate(isDryRun: boolean, makeApp: (mode: MigrationMode) => App): Promise<MigrationReport> {
  let reported = nothing;
  const app = makeApp({ isDryRun, report: (report) => (reported = report) });
  try {
    await app.open();
    return reported;
  } finally {
    await app.close();
  }
}

/** 4: something differs, or was only looked at and has not run. */
export function migrateExitCode({ pending, differing }: MigrationReport): number {
  return pending.length + differing.length > 0 ? 4 : 0;
}

export function describeMigrations({ ran, pending, skipped, differing }: MigrationReport): string {
  const lines = [
    ...ran.map((name) => `ran          ${name}`),
    ...skipped.map((name) => `left out     ${name}: the sample is for databases without tables of their own`),
    ...pending.map((name) => `would run    ${name}`),
    ...differing.map((difference) => `differs      ${describeDifference(difference)}`),
  ];
  return `${(lines.length === 0 ? ['All migrations have run.'] : lines).join('\n')}\n`;
}
