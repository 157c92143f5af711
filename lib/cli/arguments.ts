import { parseArgs } from 'node:util';
import { AppError } from '../errors.ts';

export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'status'; readonly json: boolean }
  | { readonly name: 'sync'; readonly json: boolean }
  | { readonly name: 'migrate'; readonly isDryRun: boolean; readonly json: boolean }
  | {
      readonly name: 'move';
      readonly from: string;
      readonly to: string;
      readonly replace: boolean;
      readonly json: boolean;
    };

export const help = `Usage: npm run db -- <command>

  status                        which backend serves, and how the database is
  sync                          what /api/db-sync does: catch up, checkpoint, publish
  migrate [--dry-run]           run the files of migrations/ that have not run, or say which would
  move --from <b> --to <b>      copy everything from one backend to another

Options
  --from, --to <backend>        postgres, network, volume, blob, s3, gcs or local
  --dry-run                     run nothing
  --replace                     let the move replace data that the target has of its own
  --json                        answer in JSON, for other programs
  --help                        this text

Backends are configured by the environment and the file .env, as for the functions; see .env.example.

A move reads one state of the source, makes the new state beside what the target has, compares the rows of every table,
and commits at once: until then the target is as it was. It can be repeated, and cut off at any time. Writes that reach
the source meanwhile are noticed and reported, not copied: stop what writes first, or move again afterwards.

Migrations also run when a database is opened. Each runs once, in one transaction; a file never changes once it has run
anywhere.

Exit codes: 0 done; 1 failed, nothing was changed unless it says so; 2 not understood; 3 moved, but the source was
written meanwhile; 4 a file changed after it ran or is gone, or, with --dry-run, has not run.
`;

const options = {
  from: { type: 'string' },
  to: { type: 'string' },
  replace: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** @throws AppError `invalid` */
export function parseCommand(words: readonly string[]): Command {
  const { values, positionals } = parseWords(words);
  const [name = 'help', ...rest] = positionals;
  const { json, replace, from, to } = values;
  if (values.help || name === 'help') return { name: 'help' };
  if (rest.length > 0) throw notUnderstood(`"${rest.join(' ')}" is too much`);
  const isDryRun = values['dry-run'];
  if (isDryRun && name !== 'migrate') throw notUnderstood(`${name} does not take --dry-run`);
  if (name === 'move') {
    if (from === undefined || to === undefined) throw notUnderstood('move needs --from and --to');
    return { name, from, to, replace, json };
  }
  if (from !== undefined || to !== undefined || replace)
    throw notUnderstood(`${name} does not take --from, --to or --replace`);
  if (name === 'migrate') return { name, isDryRun, json };
  if (name === 'status' || name === 'sync') return { name, json };
  throw notUnderstood(`"${name}" is not a command`);
}

function parseWords(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true });
  } catch (error) {
    throw notUnderstood(error instanceof Error ? error.message : String(error));
  }
}

function notUnderstood(why: string): AppError {
  return new AppError('invalid', `This was not understood: ${why}.`, {
    hint: '`npm run db -- --help` shows what there is.',
  });
}
