/** Files of migrations: how they are named, cut and chosen. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { loadMigrations } from '../../../lib/catalog/migration-files.ts';
import {
  type Migration,
  type MigrationRun,
  planMigrations,
  runStatements,
  scriptsFor,
  skipped,
  statementsFor,
} from '../../../lib/catalog/migrations.ts';
import { AppError } from '../../../lib/errors.ts';

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'eider-migrations-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

it('are read in the order of their names, for the engine that they are meant for', () => {
  const folder = folderOf({
    '0010_b.postgres.sql': 'p',
    '0002_c.sql': 'both',
    '0010_b.duckdb.sql': 'd',
    '0011_only.duckdb.sql': 'o',
    'README.md': 'x',
  });
  const migrations = loadMigrations(folder);
  expect(migrations).toEqual([
    { name: '0002_c', sql: 'both' },
    { name: '0010_b', sql: { duckdb: 'd', postgres: 'p' } },
    { name: '0011_only', sql: { duckdb: 'o' } },
  ]);
  expect(scriptsFor(migrations, 'postgres').map(({ file }) => file)).toEqual([
    'migrations/0002_c.sql',
    'migrations/0010_b.postgres.sql',
  ]);
  expect(loadMigrations(join(folder, 'nowhere'))).toEqual([]);
});

it.each([
  [{ 'students.sql': '' }, /migrations\/students\.sql has no name of a migration/],
  [{ '0001_a.sqlite.sql': '' }, /0001_a\.sqlite\.sql has no name/],
  [{ '0001_a.sql': '', '0001_a.duckdb.sql': '' }, /0001_a for both engines and for one/],
])('are refused by a name that nobody would run: %o', (files, message) => {
  expect(() => loadMigrations(folderOf(files))).toThrow(message);
});

const text = `-- eider: sample
CREATE TABLE a (b TEXT DEFAULT ';');

/* ; */ INSERT INTO a
VALUES (';');
-- eider: after 0001_old
ALTER TABLE a ADD c TEXT;
-- eider: after 0001_older
SELECT 1;
`;
const sample: Migration = { name: '0001_sample', sql: text };
const other: Migration = { name: '0002_other', sql: 'SELECT 2' };
const scripts = scriptsFor([sample, other], 'duckdb');
const ran = (name: string, sha256: string | null = null): MigrationRun => ({ name, sha256 });
const linesFor = async (runs: MigrationRun[], hasTables = false) =>
  (await statementsFor(scripts[0]!, runs, scripts, () => Promise.resolve(hasTables)))?.map(({ line }) => line) ?? null;

it('run what their database needs', async () => {
  expect(await linesFor([])).toEqual([2, 4]);
  expect(await linesFor([ran('0001_old')], true)).toEqual([7]);
  expect(await linesFor([ran('0001_old'), ran('0001_older')], true)).toEqual([9]);
  expect(await linesFor([], true)).toBeNull();
  expect(await linesFor([ran('0001_old', skipped)], true)).toBeNull();
  const second = scriptsFor([{ ...sample, name: '0003_more_of_the_sample' }], 'duckdb')[0]!;
  const followed = await statementsFor(second, [ran('0001_sample', 'x')], [...scripts, second], async () => true);
  expect(followed).toHaveLength(2);
});

it('are compared with what ran, whatever ends their lines', () => {
  const [first, second] = scripts.map(({ name, sha256 }) => ran(name, sha256));
  const plan = (runs: MigrationRun[], migrations = [sample, other]) => {
    const { pending, differing } = planMigrations(scriptsFor(migrations, 'duckdb'), runs, new Set(['known']));
    return { pending: pending.map(({ name }) => name), differing };
  };
  expect(plan([])).toEqual({ pending: ['0001_sample', '0002_other'], differing: [] });
  expect(plan([first!, second!, ran('known'), ran('0001_old')])).toEqual({ pending: [], differing: [] });
  const windows = { ...sample, sql: text.replaceAll('\n', '\r\n') };
  expect(plan([first!, second!], [windows, other]).differing).toEqual([]);
  expect(plan([first!, second!], [{ ...sample, sql: `${text} ` }]).differing).toEqual([
    { name: '0001_sample', how: 'changed' },
    { name: '0002_other', how: 'gone' },
  ]);
  expect(plan([ran('0001_sample', skipped), ran('0002_other')]).differing).toEqual([]);
});

it('say where they failed, but blame no file for an outage', async () => {
  const statements = (await statementsFor(scripts[0]!, [], scripts, async () => false))!;
  const failWith = (error: Error) =>
    runStatements(scripts[0]!, statements, async (sql) => {
      if (sql.startsWith('INSERT')) throw error;
    });
  await expect(failWith(new AppError('invalid', 'No.', { sqlState: '42601' }))).rejects.toMatchObject({
    message: 'migrations/0001_sample.sql, statement 2 (line 4): No.',
    sqlState: '42601',
    hint: expect.stringContaining('All its changes were rolled back') as unknown,
  });
  const away = new AppError('unavailable', 'Away.');
  await expect(failWith(away)).rejects.toBe(away);
});
