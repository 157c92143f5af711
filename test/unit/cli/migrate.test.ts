/** `eider migrate`: what it says, and how it ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it, onTestFinished } from 'vitest';
import { eider } from '../../support/terminal.ts';

/** Runs commands on a database in a folder of their own; answers exit code and output. */
function terminal() {
  const folder = mkdtempSync(join(tmpdir(), 'eider-migrate-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'own.db');
  const db = async (...words: string[]) => {
    const { code, out, log } = await eider(words, { LOCAL_DB_PATH: file, TMPDIR: folder });
    return [code, out, log];
  };
  return { db, file };
}

it('says what would run, runs it once, and says when there is nothing to do', async () => {
  const { db } = terminal();
  expect(await db('migrate', '--dry-run')).toEqual([3, 'would run    0001_student_courses\n', '']);
  expect(await db('migrate')).toEqual([0, 'ran          0001_student_courses\n', '']);
  expect(await db('migrate')).toEqual([0, 'All migrations have run.\n', '']);
  const nothing = { ran: [], pending: [], skipped: [], differing: [] };
  expect(await db('migrate', '--dry-run', '--json')).toEqual([0, `${JSON.stringify(nothing)}\n`, '']);
});

it('leaves the sample out of a database that has tables', async () => {
  const { db, file } = terminal();
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  await connection.run('CREATE TABLE sales (id INTEGER)');
  // A connection that is left to the garbage collector keeps the file open, and changes it when it goes.
  connection.disconnectSync();
  instance.closeSync();
  const left = 'left out     0001_student_courses: the sample is for databases without tables of their own\n';
  expect(await db('migrate', '--dry-run')).toEqual([0, left, '']);
  expect(await db('migrate')).toEqual([0, left, '']);
  expect(await db('migrate')).toEqual([0, 'All migrations have run.\n', '']);
});
