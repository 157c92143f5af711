/** The words of the command `eider`: what there is, with which options. What each does is loaded when it is asked for. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { backendNames } from '../config/backends.ts';
import type { FileOptions, ImportWords } from './files.ts';
import type { MigrateWords } from './migrate.ts';
import type { MoveWords } from './move.ts';
import type { RestoreWords } from './restore.ts';
import type { ShellOptions } from './session.ts';
import type { SyncWords } from './status.ts';
import { candidates, completionScripts } from './shells.ts';
import { type Common, print, type ServeWords, type Terminal } from './terminal.ts';
import type { TypesOptions } from './types.ts';

const help = `
Backends are configured by the environment and the file .env; see .env.example.

Exit codes: 0 done; 1 failed, and nothing was changed unless it says so; 2 not understood; 3 done, but look at what it
says: the database is degraded (status, shell), the source was written meanwhile (move), rows are wrong (import --dry-run),
a file differs or has not run (migrate), or is out of date (types --check).`;

const yes = ['-y, --yes', 'do not ask'] as const;

/** `end` is given the exit code. */
export function createProgram(terminal: Terminal, end: (code: number) => void): Command {
  const program = new Command('eider')
    .description('Persistent DuckDB for serverless: the database of this environment.')
    .version(terminal.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
    })
    .addHelpText('after', help);
  const add = (words: string, summary: string): Command =>
    program.command(words).description(summary).option('--json', 'answer in JSON, for other programs');
  const runs =
    <Given extends unknown[]>(work: (...given: Given) => Promise<number>) =>
    async (...given: Given): Promise<void> =>
      end(await work(...given));
  addOperations(add, runs, terminal);
  addFiles(add, runs, terminal);
  addSql(add, runs, terminal);
  addCompletion(program, terminal);
  return program;
}

type Add = (words: string, summary: string) => Command;
type Runs = <Given extends unknown[]>(work: (...given: Given) => Promise<number>) => (...given: Given) => Promise<void>;

function addOperations(add: Add, runs: Runs, terminal: Terminal): void {
  add('status', 'what serves and how the database is: what /api/db-status says').action(
    runs(async (options: Common) => (await import('./status.ts')).status(terminal, options)),
  );
  add('sync', 'catch up, run pending writes, make a checkpoint, publish the database file')
    .option('--dismiss <ids...>', 'instead, forget these rejected or stranded writes, as status lists them, or "all"')
    .action(runs(async (options: SyncWords) => (await import('./status.ts')).sync(terminal, options)));
  add('migrate', 'run the files of migrations/ that have not run')
    .option('--dry-run', 'only say which they are')
    .action(runs(async (options: MigrateWords) => (await import('./migrate.ts')).migrate(terminal, options)));
  add('serve', 'serve the API and the console on this machine until SIGTERM or Ctrl-C')
    .option('--port <number>', 'default: PORT, or the first that is free from 3000 on', portOf)
    .option('--host <address>', 'what to listen on; 0.0.0.0 is every network', '127.0.0.1')
    .action(runs((options: ServeWords) => terminal.serve(options)));
  add('move', 'copy everything from one backend to another, and compare it')
    .addOption(backend('from', 'where it is'))
    .addOption(backend('to', 'where it is to be'))
    .option('--replace', 'let it replace data that the target has of its own')
    .option(...yes)
    .action(runs(async (options: MoveWords) => (await import('./move.ts')).move(terminal, options)));
}

const backend = (flag: string, what: string): Option =>
  new Option(`--${flag} <backend>`, what).choices(backendNames).makeOptionMandatory();

const fileFormat = (): Option =>
  new Option('--format <format>', "default: by the file's name").choices(['csv', 'jsonl', 'parquet']);

function addFiles(add: Add, runs: Runs, terminal: Terminal): void {
  add('export', 'write the rows of a table to a file')
    .argument('<table>')
    .argument('[filters...]', "as in the API: 'status=eq.completed'")
    .option('--file <file>', 'default: standard output')
    .addOption(fileFormat())
    .option(...yes)
    .action(
      runs(async (table: string, filters: string[], options: FileOptions) =>
        (await import('./files.ts')).exportTable(terminal, table, filters, options),
      ),
    );
  add('import', 'write the rows of a file into a table, all or none')
    .argument('<table>')
    .option('--file <file>', 'may end in .gz; default: standard input')
    .addOption(fileFormat())
    .option('--create', 'make the table for the file')
    .option('--on-conflict <columns>', 'a row with the same values in these columns changes the one that is there')
    .option('--dry-run', 'only say what would be')
    .action(
      runs(async (table: string, options: ImportWords) =>
        (await import('./files.ts')).importTable(terminal, table, options),
      ),
    );
  add('dump', 'write the whole database to one DuckDB file')
    .requiredOption('--file <file>')
    .option(...yes)
    .action(runs(async (options: FileOptions) => (await import('./files.ts')).dump(terminal, options)));
  add('restore', 'put a DuckDB file in place of the whole database, as one commit')
    .requiredOption('--file <file>')
    .option(...yes)
    .action(runs(async (options: RestoreWords) => (await import('./restore.ts')).restore(terminal, options)));
}

function addSql(add: Add, runs: Runs, terminal: Terminal): void {
  add('shell', 'run SQL: what is given, what comes in, or what you type')
    .argument('[sql]', 'statements, with semicolons between them')
    .addOption(new Option('--format <format>').choices(['table', 'csv', 'json']).default('table'))
    .option(...yes)
    .action(
      runs(async (sql: string | undefined, options: ShellOptions) =>
        (await import('./shell.ts')).shell(terminal, sql, options),
      ),
    );
  add('types', 'write the tables as TypeScript types')
    .addOption(new Option('--for <library>').choices(['kysely', 'drizzle']).default('kysely'))
    .option('--out <file>', 'default: standard output')
    .option('--check', 'write nothing, and say whether the file is out of date')
    .action(runs(async (options: TypesOptions) => (await import('./types.ts')).types(terminal, options)));
}

function addCompletion(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .description('write a script that completes this command, for your shell')
    .addArgument(new Argument('<shell>').choices(Object.keys(completionScripts)))
    .action((shell: string) => print(terminal.stdout, completionScripts[shell] ?? ''));
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action((words: string[]) =>
      print(
        terminal.stdout,
        candidates(program, words)
          .map((line) => `${line}\n`)
          .join(''),
      ),
    );
}

function portOf(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return text;
  throw new InvalidArgumentError('A port is a number below 65536.');
}
