/** Where a sequence is in a DuckDB file, and moving it on. */
import { DuckDBInstance } from '@duckdb/node-api';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SequenceMemory } from '../../lib/sync/sequences.ts';
import { Session } from '../../lib/sync/sql.ts';
import { temporaryFolder } from '../support/engine.ts';

async function withSession<T>(path: string, work: (session: Session) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(path);
  const session = new Session(await instance.connect());
  try {
    return await work(session);
  } finally {
    session.close();
    instance.closeSync();
  }
}

async function next(session: Session): Promise<number> {
  return Number((await session.rows(`SELECT nextval('numbers')`))[0]?.[0]);
}

describe('a sequence of a file that was opened again', () => {
  it.each([
    ['CREATE SEQUENCE numbers START 5', 3, '8', 9],
    ['CREATE SEQUENCE numbers START 5', 3, '7', 8],
    ['CREATE SEQUENCE numbers START 5', 0, '5', 6],
    ['CREATE SEQUENCE numbers INCREMENT BY -2 START -1 MAXVALUE -1', 2, '-7', -9],
    ['CREATE SEQUENCE numbers MAXVALUE 3', 2, '3', null],
    ['CREATE SEQUENCE numbers MAXVALUE 3 CYCLE', 3, '1', 2],
  ])('after %s and %i numbers is moved to %s', async (definition, taken, last, then) => {
    const path = join(await temporaryFolder(), 'numbers.db');
    await withSession(path, async (session) => {
      await session.execute(definition);
      for (let count = 0; count < taken; count++) await next(session);
    });
    await withSession(path, async (session) => {
      await new SequenceMemory(session).move({ sequence: 'numbers', last });
      const given = await next(session).catch((error: unknown) => /reached maximum/.test(String(error)) && null);
      expect(given).toBe(then);
    });
  });

  it('is known by the last number that it gave', async () => {
    const path = join(await temporaryFolder(), 'numbers.db');
    await withSession(path, async (session) => {
      await session.execute('CREATE SEQUENCE numbers; CREATE SEQUENCE others');
      await next(session);
    });
    await withSession(path, async (session) => {
      const memory = new SequenceMemory(session);
      await memory.watch();
      expect(await memory.moved(true)).toEqual([{ sequence: 'numbers', last: '1' }]);
      await next(session);
      expect(await memory.moved(false)).toEqual([{ sequence: 'numbers', last: '2' }]);
    });
  });
});
