import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { complete } from '../../../lib/cli/completions.ts';
import { statementsOf } from '../../../lib/cli/statements.ts';
import { temporaryFolder } from '../../support/engine.ts';
import { migrations } from '../../support/migrations.ts';
import { openPlainDatabase } from '../../support/plain-database.ts';
import { eider, sitAt } from '../../support/terminal.ts';

async function place() {
  const folder = await temporaryFolder();
  const environment = { LOCAL_DB_PATH: join(folder, 'school.db'), TMPDIR: folder, HOME: folder };
  const courses = "INSERT INTO courses (code, title, credits) VALUES ('L', 'Logic', 5), ('S', 'Sets', 7)";
  expect(await eider(['shell', courses], environment)).toMatchObject({ code: 0, log: '' });
  return environment;
}

it('answers as a table, as CSV and as JSON', async () => {
  const environment = await place();
  const sql = `SELECT title, credits, NULL AS "none", chr(27) || '[2J' AS odd FROM courses ORDER BY code LIMIT 1`;
  const table = await eider(['shell', sql], environment);
  const lines = table.out.split('\n');
  expect(lines.slice(1, 4)).toEqual([
    '│ title │ credits │ none │ odd       │',
    '├───────┼─────────┼──────┼───────────┤',
    '│ Logic │       5 │ NULL │ \\u001b[2J │',
  ]);
  const csv = await eider(['shell', sql, '--format', 'csv'], environment);
  expect(csv.out).toBe('title,credits,none,odd\r\nLogic,5,,\u001B[2J\r\n');
  const json = await eider(
    ['shell', '--json'],
    environment,
    `${sql};\nUPDATE courses SET credits = 6 WHERE code = 'S'`,
  );
  const answers = json.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(answers).toEqual([
    [{ title: 'Logic', credits: 5, none: null, odd: '\u001B[2J' }],
    { command: 'UPDATE', rowCount: 1, version: 3, durability: 'durable' },
  ]);
});

it('stops at the first statement that fails; what ran before it stays', async () => {
  const environment = await place();
  const sql = "DELETE FROM courses WHERE code = 'L'; SELECT nothing; DELETE FROM courses";
  expect(await eider(['shell', sql], environment)).toMatchObject({ code: 1, log: expect.stringContaining('nothing') });
  expect((await eider(['shell', 'SELECT code FROM courses', '--format', 'csv'], environment)).out).toBe(
    'code\r\nS\r\n',
  );
});

it('finds where statements end', () => {
  expect(statementsOf("SELECT ';'; -- a; b\nSELECT $$;$$;;")).toEqual(["SELECT ';'", ' -- a; b\nSELECT $$;$$']);
  expect(statementsOf('SELECT (1; SELECT 2')).toEqual(['SELECT (1; SELECT 2']);
});

it('talks with somebody at a terminal', async () => {
  const environment = await place();
  const { code, type, shown } = sitAt(['shell'], environment);
  await type('eider> ', 'SELECT ti', '\t', ' FROM cou', '\t', ' ORDER BY code\r');
  await type('...> ', 'LIMIT 1;\r');
  await type('Logic', 'SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b;\r', '', '', '\u0003');
  await type('Stopped.', 'DELETE FROM courses;\r');
  await type('deletes every row of courses. Continue? (y/N)', 'n\r');
  await type('Nothing was changed.', 'SELEC 1;\r');
  await type('"SELEC"', '.tables\r');
  await type('students (table', '.schema courses\r');
  await type('code VARCHAR NOT NULL', '.format json\r', 'SELECT count(*) AS n FROM courses;\r');
  await type('[{"n":"2"}]', 'DROP TABLE enrollments;\r');
  await type('(y/N)', 'y\r');
  await type('eider> ', '\u001B[A');
  await type('DROP TABLE enrollments;', '\u0015', '\u0004');
  expect([await code, shown()]).toEqual([0, expect.any(String)]);
  const history = (await readFile(join(environment.HOME, '.eider_history'), 'utf8')).split('\n');
  expect(history[0]).toBe('DROP TABLE enrollments;');
  expect(history.at(-1)).toBe('SELECT title FROM courses ORDER BY code LIMIT 1;');
  expect(history.filter((line) => /^[yn]$/.test(line))).toEqual([]);
});

it('completes words of SQL, tables, and columns of the tables that are named', async () => {
  const catalog = await (await openPlainDatabase(migrations)).catalog();
  const found = (line: string, before = '') => complete(line, before + line, catalog).join(' ← ');
  expect(found('sel')).toBe('select ← sel');
  expect(found('SELECT title FROM ')).toBe('courses,enrollments,students ← ');
  expect(found('SELECT ti')).toBe('title ← ti');
  expect(found('WHERE cr', 'SELECT title FROM courses ')).toBe('credits,created_at,create,cross ← cr');
  expect(found('courses.cre', 'SELECT * FROM courses WHERE ')).toBe('courses.credits,courses.created_at ← courses.cre');
  expect(found('.sch')).toBe('.schema ← .sch');
  expect(found('.schema st')).toBe('students ← st');
});

it('leaves a statement that is not whole on Ctrl-C, and the shell on .quit', async () => {
  const { code, type } = sitAt(['shell'], await place());
  await type('eider> ', 'SELECT (1\r');
  await type('...> ', '\u0003');
  await type('eider> ', 'SELECT 42 AS n;\r');
  await type('42', '.quit\r');
  expect(await code).toBe(0);
});
