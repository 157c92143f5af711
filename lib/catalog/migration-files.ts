import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { EngineName } from '../values.ts';
import type { Migration } from './migrations.ts';

const fileName = /^(\d{4,}_\w[\w-]*)(?:\.(duckdb|postgres))?\.sql$/;

/**
 * Reads the migrations of a folder, in the order of their names. A folder that is not there has none.
 *
 * @throws AppError `invalid` for a file of SQL by another kind of name
 * @example loadMigrations('migrations') // [{ name: '0001_books', sql: 'CREATE TABLE …' }]
 */
export function loadMigrations(folder: string): readonly Migration[] {
  const found = new Map<string, string | Partial<Record<EngineName, string>>>();
  for (const file of filesIn(folder)) {
    const [, name = '', engine] = fileName.exec(file) ?? [];
    const sql = readFileSync(join(folder, file), 'utf8');
    const other = found.get(name);
    if (name === '' || typeof other === 'string' || (other && engine === undefined)) throw misnamed(file, name);
    found.set(name, engine === undefined ? sql : { ...other, [engine]: sql });
  }
  return [...found].map(([name, sql]) => ({ name, sql })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((file) => file.endsWith('.sql'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function misnamed(file: string, name: string): AppError {
  if (name === '') {
    return new AppError('invalid', `migrations/${file} has no name of a migration.`, {
      hint: 'Name it like 0002_more_tables.sql, 0002_more_tables.duckdb.sql or 0002_more_tables.postgres.sql.',
    });
  }
  return new AppError('invalid', `migrations/ has ${name} for both engines and for one of them.`, {
    hint: 'Keep either one file, or one for each engine.',
  });
}
