/**
 * The same schemas and commits on PostgreSQL, with DEFERRABLE INITIALLY DEFERRED constraints, and on DuckDB: the same
 * commits succeed and fail, and leave the same rows.
 *
 * `REFERENCE_SCHEMAS=2000 vitest run test/system/db/references/postgres.test.ts` for more of them.
 */
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Client } from 'pg';
import { isAppError } from '../../../../lib/errors.ts';
import { checkAllReferences } from '../../../../lib/db/duckdb/references/check.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';
import { type Case, cases, type Table } from '../../../support/references/generate.ts';
import { type Known, openPlain } from '../../../support/references/plain.ts';
import type { Database } from '../../../../lib/db/database.ts';
import { systemRuntime as runtime } from '../../../../lib/runtime.ts';
import { openDatabase } from '../../../support/engine.ts';
import { createMemoryStore } from '../../../../lib/testing/memory.ts';

const schemas = Number(process.env['REFERENCE_SCHEMAS'] ?? 40);
const commitsEach = 20;

let server: PostgresServer;
let client: Client;
beforeAll(async () => {
  server = await startPostgres();
  client = await server.client();
});
afterAll(async () => {
  await client.end();
  await server.close();
});

/** `reference`: refused for a reference that breaks. `other`: for a rule that each engine checks in its own way and time. */
type Outcome = 'ok' | 'reference' | 'other';

async function openOnPostgres(ddl: Case['ddl']): Promise<void> {
  await client.query(
    `DROP SCHEMA IF EXISTS tried CASCADE; CREATE SCHEMA tried; SET search_path = tried; ${ddl.join('; ')}`,
  );
}

/** Leaves the transaction open when all is well. */
async function tryOnPostgres(statements: readonly string[]): Promise<Outcome> {
  try {
    await client.query(`BEGIN; ${statements.join('; ')}; SET CONSTRAINTS ALL IMMEDIATE`);
    return 'ok';
  } catch (error) {
    await client.query('ROLLBACK');
    return Reflect.get(error as object, 'code') === '23503' ? 'reference' : 'other';
  }
}

/** DuckDB with Eider's references. */
interface Tried {
  ddl(statements: readonly string[]): Promise<void>;
  commit(statements: readonly string[]): Promise<void>;
  rows(sql: string): Promise<unknown>;
  /** Throws when a row refers to nothing. */
  end(): Promise<void>;
}

/** Without a store; the check is told of the changes all that helps it, or no more than a record holds. */
async function openSession(known: Known): Promise<Tried> {
  const plain = await openPlain();
  return {
    ddl: (statements) => plain.ddl(...statements),
    commit: (statements) => plain.commit(statements, known),
    rows: (sql) => plain.rows(sql),
    end: async () => {
      await checkAllReferences(plain.session, await plain.catalog());
      plain.close();
    },
  };
}

/** Through capture and commit, as a client writes; what another instance sees in the end. */
async function openWhole(): Promise<Tried> {
  const store = createMemoryStore({ runtime });
  const database = await openDatabase({ store, migrations: [] });
  const write = (statements: readonly string[]) =>
    database.write(async (_, scope) => {
      for (const sql of statements) await scope.run(sql);
    });
  let reader: Database | null = null;
  return {
    ddl: async (statements) => {
      for (const sql of statements) await write([sql]);
    },
    commit: async (statements) => void (await write(statements)),
    rows: async (sql) => {
      reader ??= await openDatabase({ store, migrations: [] });
      const { value } = await reader.read((_, scope) => scope.run(sql));
      return value.rows.map((row) => Object.fromEntries(value.columns.map(({ name }, index) => [name, row[index]])));
    },
    end: async () => void (await Promise.all([database.close(), reader?.close()])),
  };
}

async function commitOnDuckDb(tried: Tried, statements: readonly string[]): Promise<Outcome> {
  try {
    await tried.commit(statements);
    return 'ok';
  } catch (error) {
    return isAppError(error) && error.sqlState === '23503' ? 'reference' : 'other';
  }
}

async function requireSameRows(tried: Tried, tables: readonly Table[]): Promise<void> {
  for (const { name, columns } of tables) {
    const sql = `SELECT * FROM ${name} ORDER BY ${columns.map((column) => `${column} NULLS FIRST`).join(', ')}`;
    expect(await tried.rows(sql)).toEqual((await client.query(sql)).rows);
  }
}

it.each<[string, number, () => Promise<Tried>]>([
  ['told all', schemas / 2, () => openSession('all')],
  ['told what a record holds', schemas / 2, () => openSession('record')],
  ['through a database', schemas / 4, openWhole],
])(
  'succeed and fail alike, %s',
  async (_, numRuns, open) => {
    const counts = { ok: 0, reference: 0, other: 0, overeager: 0 };
    const property = fc.asyncProperty(cases(commitsEach), async ({ ddl, tables, commits }) => {
      const tried = await open();
      await openOnPostgres(ddl);
      await tried.ddl(ddl);
      for (const statements of commits) {
        const expected = await tryOnPostgres(statements);
        const outcome = expected === 'other' ? expected : await commitOnDuckDb(tried, statements);
        if (expected === 'ok') await client.query(outcome === 'ok' ? 'COMMIT' : 'ROLLBACK');
        // A duplicate that DuckDB sees too early says nothing of references.
        const isOvereager = outcome === 'other' && expected !== 'other';
        counts[isOvereager ? 'overeager' : outcome]++;
        const text = statements.join('; ');
        expect(isOvereager ? [text, expected] : [text, outcome]).toEqual([text, expected]);
      }
      await requireSameRows(tried, tables);
      await tried.end();
    });
    await fc.assert(property, { numRuns, endOnFailure: true });
    if (process.env['REFERENCE_SCHEMAS']) console.info('commits', counts);
    // Not for nothing: many of either kind.
    expect(counts.ok).toBeGreaterThan(numRuns * 3);
    expect(counts.reference).toBeGreaterThan(numRuns * 3);
    expect(counts.overeager).toBeLessThan(numRuns);
  },
  600_000,
);
