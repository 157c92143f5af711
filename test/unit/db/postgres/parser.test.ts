/** PostgreSQL's parser in a thread of its own: what breaks it, breaks nothing else, and takes the server no time. */
import { expect, it } from 'vitest';
import { parseInThread, parseStatement } from '../../../../lib/db/postgres/query/parser.ts';
import { systemRuntime as runtime } from '../../../../lib/runtime.ts';

const query = (sql: string) => ({ sql, isQuery: true });

it('a statement that breaks the parser is refused, and takes nobody else along', async () => {
  const deep = query(`SELECT ${'1+'.repeat(20_000)}1`);
  const hostile = Array.from({ length: 2 }, () => parseInThread(deep, runtime));
  const ordinary = Array.from({ length: 5 }, () => parseStatement(query('SELECT id FROM books'), runtime));
  for (const each of await Promise.allSettled(hostile))
    expect(each).toMatchObject({ status: 'rejected', reason: { kind: 'invalid', sqlState: '54001' } });
  for (const each of await Promise.all(ordinary)) expect([...each.names.tables]).toEqual(['books']);
});

it('the server goes on while a long statement is parsed', async () => {
  await parseStatement(query('SELECT 1'), runtime);
  const long = parseInThread(query(`SELECT ${'1,'.repeat(50_000)}1`), runtime);
  const over = new AbortController();
  void long.finally(() => over.abort());
  let turns = 0;
  while (!over.signal.aborted) {
    await runtime.sleep(1);
    turns++;
  }
  await long;
  expect(turns).toBeGreaterThan(20);
});

it('judges what the parser read, and says what is wrong in the words of each', async () => {
  const { text, may } = await parseStatement(query('SELECT 1; -- and no more'), runtime);
  expect([text, may]).toEqual(['SELECT 1', 'read']);
  for (const [sql, sqlState] of [
    ['SELEC 1', '42601'],
    [' ', '42601'],
    ['SELECT 1; SELECT 2', '42601'],
    ['DELETE FROM books', '42601'],
    ['SELECT pg_read_file($1)', '42501'],
    [`SELECT ${'('.repeat(600)}1${')'.repeat(600)}`, '54001'],
  ] as const)
    await expect(parseStatement(query(sql), runtime)).rejects.toMatchObject({ kind: 'invalid', sqlState });
  const written = await parseStatement({ sql: 'DELETE FROM books', isQuery: false }, runtime);
  expect(written.may).toBe('write');
});
