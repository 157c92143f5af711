import { projectMigrations } from '../app.ts';
import { restoreDatabase } from '../db/duckdb/restore.ts';
import { AppError } from '../errors.ts';
import { openChosen } from './source-and-target.ts';
import { ProgressBar } from './progress.ts';
import { type Common, confirm, exitCodes, report, type Terminal } from './terminal.ts';

export interface RestoreWords extends Common {
  readonly file: string;
  readonly yes?: boolean;
}

export async function restore(terminal: Terminal, options: RestoreWords): Promise<number> {
  const { environment, runtime } = terminal;
  const opened = await openChosen(environment, runtime);
  const { backend, workFolder } = opened;
  try {
    if (backend.kind === 'postgres') throw notHere();
    const { engine, location } = backend;
    const question = `Replace everything in ${location} with ${options.file}?`;
    await confirm(terminal, question, options.yes);
    const migrations = projectMigrations();
    const asked = restoreDatabase({ engine, file: options.file, workFolder, migrations, runtime });
    const transfers = () => Promise.resolve(engine.status().transfers);
    const done = await new ProgressBar(terminal).during(`restoring ${options.file}`, asked, transfers);
    const words = `Restored ${options.file} as version ${done.version}; it replaced version ${done.replacedVersion}.\n`;
    await report(terminal, options, done, words);
    return exitCodes.done;
  } finally {
    await opened.close();
  }
}

function notHere(): AppError {
  return new AppError('invalid', 'A DuckDB file cannot be restored into PostgreSQL.', {
    hint: "Use PostgreSQL's own pg_restore, or serve the file with LOCAL_DB_PATH and move it here.",
  });
}
