import { type App, type AppOptions, createApp, projectMigrations } from '../app.ts';
import { backendFactories } from '../backends.ts';
import { describeDifference } from '../catalog/migrations.ts';
import { describeBackend } from '../config/backends.ts';
import type { Environment } from '../config/variables.ts';
import type { DatabaseStatus } from '../db/database.ts';
import type { MigrationMode, MigrationReport } from '../db/migration-report.ts';
import { moveDatabase } from '../db/move/move.ts';
import type { MoveReport } from '../db/move/report.ts';
import { isAppError } from '../errors.ts';
import { type Runtime, systemRuntime } from '../runtime.ts';
import { type Command, help, parseCommand } from './arguments.ts';
import { openEnds } from './ends.ts';
import { ProgressLines } from './progress.ts';

interface Terminal {
  readonly environment: Environment;
  readonly out: (text: string) => void;
  readonly log: (text: string) => void;
  readonly isTerminal: boolean;
  readonly runtime?: Runtime;
}

/** Runs a command; answers the exit code. Never rejects. */
export async function runCommand(words: readonly string[], terminal: Terminal): Promise<number> {
  let command: Command;
  try {
    command = parseCommand(words);
  } catch (error) {
    return fail(error, terminal, 2);
  }
  try {
    return await runParsed(command, terminal);
  } catch (error) {
    return fail(error, terminal, 1);
  }
}

function runParsed(command: Command, terminal: Terminal): Promise<number> | number {
  switch (command.name) {
    case 'help':
      terminal.out(help);
      return 0;
    case 'status':
      return withApp(terminal, (app) => showStatus(app, terminal, command.json));
    case 'sync':
      return withApp(terminal, (app) => sync(app, terminal));
    case 'migrate':
      return runMigrate(command, terminal);
    case 'move':
      return move(command, terminal);
  }
}

function fail(error: unknown, { log }: Terminal, code: number): number {
  if (isAppError(error)) log(`${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`);
  else log(`This is a defect: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return code;
}

async function move(command: Command & { readonly name: 'move' }, terminal: Terminal): Promise<number> {
  const { environment, log, isTerminal, runtime = systemRuntime } = terminal;
  const { source, target, workFolder } = await openEnds(command.from, command.to, environment, runtime);
  const lines = new ProgressLines({ runtime, isTerminal, write: log });
  const ends = { source: source.end, target: target.end };
  try {
    const onEvent = lines.show.bind(lines);
    const options = { ...ends, replace: command.replace, workFolder, runtime, onEvent };
    const report = await moveDatabase(options);
    lines.end();
    terminal.out(command.json ? `${JSON.stringify(report)}\n` : describeMove(command, report));
    return report.sourceMovedOn ? 3 : 0;
  } finally {
    lines.end();
    await Promise.all([source.close(), target.close()]);
  }
}

function describeMove({ from, to }: { from: string; to: string }, report: MoveReport): string {
  const tables = Object.entries(report.tables).map(
    ([name, { rows, checksum }]) => `  ${name}: ${rows} rows, checksum ${checksum.slice(0, 16)}`,
  );
  const done =
    report.outcome === 'moved'
      ? `Moved from ${from} to ${to}; every table was compared:`
      : `${to} has the rows of ${from} already; every table was compared:`;
  const behind =
    report.leftBehind.length === 0 ? [] : ['Did not come along:', ...report.leftBehind.map((each) => `  ${each}`)];
  const movedOn = report.sourceMovedOn
    ? [
        `The source was written after version ${report.sourceVersion}, which is what the target has.`,
        'Stop what writes to the source, then repeat this command.',
      ]
    : [];
  return `${[done, ...tables, ...behind, ...movedOn].join('\n')}\n`;
}

/** 4: something differs, or was only looked at and has not run. */
async function runMigrate({ isDryRun, json }: Command & { readonly name: 'migrate' }, terminal: Terminal) {
  let report: MigrationReport = { ran: [], pending: [], skipped: [], differing: [] };
  const migrationMode: MigrationMode = { isDryRun, report: (reported) => (report = reported) };
  // Nothing takes the place of the database that is meant.
  await withApp(terminal, async (app) => void (await app.open()), { migrationMode, usesFallbacks: false });
  terminal.out(json ? `${JSON.stringify(report)}\n` : describeMigrations(report));
  return report.pending.length + report.differing.length > 0 ? 4 : 0;
}

async function withApp<T>(
  { environment, runtime = systemRuntime }: Terminal,
  work: (app: App) => Promise<T>,
  options: Partial<AppOptions> = {},
): Promise<T> {
  const migrations = projectMigrations();
  const app = createApp({
    migrations,
    runtime,
    environment: () => environment,
    factories: backendFactories,
    signals: process,
    ...options,
  });
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}

async function showStatus(app: App, { out }: Terminal, json: boolean): Promise<number> {
  const { candidates } = app.examine();
  const { name, database } = await app.open();
  const status = await database.status();
  const { message, persistent } = describeBackend(name);
  if (json) {
    out(`${JSON.stringify({ message, backend: name, persistent, candidates, ...status })}\n`);
    return 0;
  }
  const lines = [
    message,
    `  backend      ${name} (${status.engine})`,
    `  location     ${status.location}`,
    `  version      ${status.version}`,
    ...describeCheckpoint(status),
    `  pending      ${status.pendingWrites} writes`,
    ...status.warnings.map((warning) => `  warning      ${warning}`),
    'Candidates',
    ...candidates.map(({ backend, state, reason }) => `  ${backend.padEnd(8)} ${state.padEnd(14)} ${reason}`),
  ];
  out(`${lines.join('\n')}\n`);
  return 0;
}

function describeCheckpoint({ checkpoint }: DatabaseStatus): string[] {
  if (!checkpoint) return [];
  return [`  checkpoint   ${checkpoint.version ?? 'none yet'}, ${checkpoint.recordsSince} records since`];
}

async function sync(app: App, { out }: Terminal): Promise<number> {
  const { database } = await app.open();
  out(`${JSON.stringify(await database.sync(), null, 2)}\n`);
  return 0;
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
