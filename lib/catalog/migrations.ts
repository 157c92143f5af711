import { createHash } from 'node:crypto';
import { AppError, isAppError } from '../errors.ts';
import { splitStatements } from '../sql/tokens.ts';
import type { EngineName } from '../values.ts';

/**
 * One migration, as its file in the folder.
 *
 * @example const notes: Migration = { name: '0001_notes', sql: 'CREATE TABLE notes (id INTEGER PRIMARY KEY, words TEXT)' }
 */
export interface Migration {
  /** The file's name without `.sql` and the engine: `0001_books`. */
  readonly name: string;
  /** The text for both engines, or one for each; an engine without one leaves the migration out. */
  readonly sql: string | Readonly<Partial<Record<EngineName, string>>>;
}

export interface MigrationScript {
  readonly name: string;
  readonly file: string;
  /** Of the text; line ends do not count. */
  readonly sha256: string;
  /** Only for databases without tables of their own. */
  readonly isSample: boolean;
  /** The first one is for new databases; each of the others instead of it where the migration `after` has run. */
  readonly parts: readonly MigrationPart[];
}

export interface MigrationPart {
  readonly after: string | null;
  /** Read when it is to run: a start at which there is nothing to do pays for no file. @throws AppError `invalid` */
  statements(): readonly MigrationStatement[];
}

export interface MigrationStatement {
  readonly sql: string;
  readonly line: number;
}

export interface MigrationRun {
  readonly name: string;
  /** Of the text that ran; `skipped` for a sample that was not wanted; null where it was not recorded. */
  readonly sha256: string | null;
}

/** Recorded instead of the hash for a sample that was skipped because the user has tables of their own. */
export const skipped = 'skipped';

/** What there is to do, and what is not as it was. */
export interface MigrationPlan {
  readonly pending: readonly MigrationScript[];
  /** Files that say something else than what ran, and migrations that ran and have no file. */
  readonly differing: readonly { readonly name: string; readonly how: 'changed' | 'gone' }[];
}

/** The migrations that the engine runs, in their order. @throws AppError `invalid` for a line `-- eider:` that says nothing known */
export function scriptsFor(migrations: readonly Migration[], engine: EngineName): MigrationScript[] {
  return migrations.flatMap(({ name, sql }) => {
    const text = typeof sql === 'string' ? sql : sql[engine];
    if (text === undefined) return [];
    return [scriptOf(name, `migrations/${name}${typeof sql === 'string' ? '' : `.${engine}`}.sql`, text)];
  });
}

/** Compares the scripts with what ran. `known`: names that may have run besides. */
export function planMigrations(
  scripts: readonly MigrationScript[],
  runs: readonly MigrationRun[],
  known: ReadonlySet<string>,
): MigrationPlan {
  const ran = new Map(runs.map((run) => [run.name, run]));
  const changed = scripts.filter(({ name, sha256 }) => {
    const before = ran.get(name)?.sha256;
    return typeof before === 'string' && before !== skipped && before !== sha256;
  });
  const here = new Set(scripts.flatMap(({ name, parts }) => [name, ...parts.map(({ after }) => after)]));
  const gone = runs.filter(({ name, sha256 }) => !here.has(name) && !known.has(name) && sha256 !== skipped);
  return {
    pending: scripts.filter(({ name }) => !ran.has(name)),
    differing: [
      ...changed.map(({ name }) => ({ name, how: 'changed' as const })),
      ...gone.map(({ name }) => ({ name, how: 'gone' as const })),
    ],
  };
}

export function describeDifference({ name, how }: MigrationPlan['differing'][number]): string {
  return how === 'changed'
    ? `The migration ${name} was changed after it ran on this database. Its new text was not run.`
    : `The migration ${name} ran on this database, and its file is gone.`;
}

/**
 * The statements that this database needs of a script; null when it is a sample that it does not want. `hasTables`: asked
 * only for a sample, whether the database has tables of the user's.
 */
export async function statementsFor(
  { parts, isSample }: MigrationScript,
  runs: readonly MigrationRun[],
  scripts: readonly MigrationScript[],
  hasTables: () => Promise<boolean>,
): Promise<readonly MigrationStatement[] | null> {
  const has = (name: string | null): boolean => runs.some((run) => run.name === name && run.sha256 !== skipped);
  const instead = parts.findLast(({ after }) => has(after));
  if (instead) return instead.statements();
  const followsSample = scripts.some((script) => script.isSample && has(script.name));
  if (isSample && !followsSample && (await hasTables())) return null;
  return parts[0]?.statements() ?? [];
}

/**
 * Runs the statements one after the other.
 *
 * @throws AppError whose message says where in the file, and what the engine says
 */
export async function runStatements(
  { file }: MigrationScript,
  statements: readonly MigrationStatement[],
  run: (sql: string) => Promise<unknown>,
): Promise<void> {
  for (const [index, { sql, line }] of statements.entries()) {
    try {
      await run(sql);
    } catch (error) {
      throw located(error, `${file}, statement ${index + 1} (line ${line})`);
    }
  }
}

/**
 * The error of a migration with its place: the file, and more where it is known.
 * Errors that are not the file's fault are left unchanged.
 *
 * @example throw located(error, 'migrations/0002_notes.sql')
 */
export function located(error: unknown, place: string): unknown {
  if (!isAppError(error, 'invalid', 'conflict', 'denied', 'not-found')) return error;
  const { kind, message, fields, sqlState, constraint } = error;
  // Of either engine: rows that were changed before in the same transaction.
  const hint =
    sqlState === '55006' ? 'Alter it first, or in the next file: each file is its own transaction.' : error.hint;
  return new AppError(kind, `${place}: ${message}`, {
    cause: error,
    hint: hint ?? 'Correct the file, or rename what it conflicts with. All its changes were rolled back.',
    ...(fields === undefined ? {} : { fields }),
    ...(sqlState === undefined ? {} : { sqlState }),
    ...(constraint === undefined ? {} : { constraint }),
  });
}

const directive = /^--[ \t]*eider:(.*)$/gm;

function scriptOf(name: string, file: string, written: string): MigrationScript {
  const text = written.replaceAll('\r\n', '\n');
  const parts: { after: string | null; start: number }[] = [{ after: null, start: 0 }];
  let isSample = false;
  for (const { 0: line, 1: said = '', index } of text.matchAll(directive)) {
    const words = said.trim();
    const [, after] = /^after (\S+)$/.exec(words) ?? [];
    if (after !== undefined) parts.push({ after, start: index });
    else if (words === 'sample' && index === 0) isSample = true;
    else throw unreadable(file, lineAt(text, index), `"${line.trim()}" is not known`);
  }
  return {
    name,
    file,
    sha256: createHash('sha256').update(text).digest('hex'),
    isSample,
    parts: parts.map(({ after, start }, index) => {
      const end = parts[index + 1]?.start ?? text.length;
      return { after, statements: () => statementsOf(file, text.slice(start, end), lineAt(text, start)) };
    }),
  };
}

function statementsOf(file: string, text: string, firstLine: number): MigrationStatement[] {
  try {
    return splitStatements(text).map(({ text: sql, start }) => ({ sql, line: firstLine - 1 + lineAt(text, start) }));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw unreadable(file, firstLine, error.message);
  }
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function unreadable(file: string, line: number, why: string): AppError {
  return new AppError('invalid', `${file} cannot be read from line ${line} on: ${why}.`, { sqlState: '42601' });
}
