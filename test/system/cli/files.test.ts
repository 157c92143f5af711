import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../support/engine.ts';
import { eider, sitAt } from '../../support/terminal.ts';

async function place() {
  const folder = await temporaryFolder();
  const environment = { LOCAL_DB_PATH: join(folder, 'school.db'), TMPDIR: folder };
  const run = (words: readonly string[], input?: string) => eider(words, environment, input);
  const names = async () => (await run(['shell', 'SELECT name FROM students ORDER BY name', '--format', 'csv'])).out;
  return { folder, environment, run, names };
}

const csv = 'name,email\nAda,ada@example.com\nGrace,grace@example.com\n';

it('imports a file or what comes in, and exports the same rows', async () => {
  const { folder, run } = await place();
  const file = join(folder, 'students.csv.gz');
  await writeFile(file, gzipSync(csv));
  expect(await run(['import', 'students', '--file', file])).toEqual({
    code: 0,
    out: 'Imported 2 rows into students\n',
    log: '',
  });
  expect(await run(['import', 'students', '--file', file])).toMatchObject({
    code: 1,
    log: expect.stringContaining('taken'),
  });
  const merged = ['import', 'students', '--format', 'csv', '--on-conflict', 'email', '--json'];
  expect(JSON.parse((await run(merged, csv.replace('Ada', 'Ada L.'))).out)).toEqual({ table: 'students', rows: 2 });
  const some = await run(['export', 'students', 'email=like.ada*', '--format', 'jsonl']);
  expect([some.code, JSON.parse(some.out)]).toEqual([0, expect.objectContaining({ name: 'Ada L.' })]);
  for (const name of ['all.csv', 'all.jsonl', 'all.parquet']) {
    const path = join(folder, name);
    const written = await run(['export', 'students', '--file', path, '--json']);
    expect(JSON.parse(written.out)).toEqual({ file: path, bytes: (await stat(path)).size, version: 3 });
    const back = await run(['import', 'again', '--file', path, '--create', '--dry-run']);
    expect([name, back.code, back.out]).toEqual([name, 0, expect.stringContaining('Would import 2 rows into again')]);
  }
});

it('says what a file has wrong, and that a table is not there', async () => {
  const { run } = await place();
  const dry = await run(['import', 'courses', '--format', 'csv', '--dry-run'], 'code,title,credits\nL,Logic,many\n');
  expect(dry).toEqual({
    code: 3,
    out: expect.stringMatching(/Would import 0 rows.*\n1 wrong row, .*\n +2\/credits /s),
    log: '',
  });
  expect(await run(['export', 'nothing'])).toMatchObject({
    code: 1,
    log: expect.stringContaining('no table "nothing"'),
  });
  expect(await run(['export', 'students', '--file', 'students.xlsx'])).toMatchObject({
    code: 2,
    log: expect.stringContaining('--format'),
  });
  const noDatabase = join(await temporaryFolder(), 'rows.csv');
  await writeFile(noDatabase, csv);
  expect(await run(['restore', '--file', noDatabase])).toMatchObject({
    code: 1,
    log: expect.stringContaining(`${noDatabase} is no database file`),
  });
  expect(await run(['import', 'students', '--file', 'absent.csv'])).toMatchObject({
    code: 1,
    log: 'There is no file absent.csv.\n',
  });
});

it('dumps the database, and puts the file back as one commit', async () => {
  const { folder, run, names } = await place();
  const file = join(folder, 'whole.duckdb');
  await run(['import', 'students', '--format', 'csv'], csv);
  expect(await run(['dump', '--file', file])).toMatchObject({ code: 0, out: expect.stringContaining(`${file}: `) });
  await run(['shell', "DELETE FROM students WHERE name = 'Ada'"]);
  expect(await names()).toBe('name\r\nGrace\r\n');
  const back = await run(['restore', '--file', file, '--json']);
  expect([back.code, JSON.parse(back.out)]).toEqual([0, { version: 4, replacedVersion: 3 }]);
  expect(await names()).toBe('name\r\nAda\r\nGrace\r\n');
  await writeFile(file, 'no database');
  expect(await run(['restore', '--file', file])).toMatchObject({ code: 1, out: '' });
  expect(await names()).toBe('name\r\nAda\r\nGrace\r\n');
});

it('asks somebody at a terminal before it replaces anything', async () => {
  const { folder, environment, run, names } = await place();
  const file = join(folder, 'whole.duckdb');
  await run(['dump', '--file', file]);
  const before = await readFile(file);
  await run(['import', 'students', '--format', 'csv'], csv);
  for (const words of [['dump'], ['restore']]) {
    const { code, type } = sitAt([...words, '--file', file], environment);
    await type('(y/N)', '\r');
    expect(await code).toBe(1);
  }
  expect(before.equals(await readFile(file))).toBe(true);
  expect(await names()).toBe('name\r\nAda\r\nGrace\r\n');
  const { code, type } = sitAt(['restore', '--file', file], environment);
  await type('Replace everything in', 'y\r');
  expect([await code, await names()]).toEqual([0, 'name\r\n']);
  expect(await sitAt(['dump', '--file', file, '--yes'], environment).code).toBe(0);
});
