import { describeDifference } from '../catalog/migrations.ts';
import type { MigrationMode, MigrationReport } from '../db/migration-report.ts';
import { withApi } from './api.ts';
import { type Common, exitCodes, report, type Terminal } from './terminal.ts';

export interface MigrateWords extends Common {
  readonly dryRun?: boolean;
}

export async function migrate(terminal: Terminal, options: MigrateWords): Promise<number> {
  let found: MigrationReport = { ran: [], pending: [], skipped: [], differing: [] };
  const migrationMode: MigrationMode = {
    isDryRun: options.dryRun === true,
    report: (reported) => (found = reported),
  };
  // Nothing takes the place of the database that is meant.
  await withApi(terminal, async ({ app }) => void (await app.open()), { migrationMode, usesFallbacks: false });
  await report(terminal, options, found, describeMigrations(found));
  return found.pending.length + found.differing.length > 0 ? exitCodes.attention : exitCodes.done;
}

function describeMigrations({ ran, pending, skipped, differing }: MigrationReport): string {
  const lines = [
    ...ran.map((name) => `ran          ${name}`),
    ...skipped.map((name) => `left out     ${name}: the sample is for databases without tables of their own`),
    ...pending.map((name) => `would run    ${name}`),
    ...differing.map((difference) => `differs      ${describeDifference(difference)}`),
  ];
  return `${(lines.length === 0 ? ['All migrations have run.'] : lines).join('\n')}\n`;
}
