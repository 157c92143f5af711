/**
 * The same schemas and commits on PostgreSQL, with DEFERRABLE INITIALLY DEFERRED constraints, and on DuckDB: the same
 * commits succeed and fail, and leave the same rows.
 *
 * `REFERENCE_SCHEMAS=2000 vitest run test/db/references/postgres.system.test.ts` for more of them.
 */
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Client } from 'pg';
import { isAppError } from '../../../lib/errors.ts';
import { checkAllReferences } from '../../../lib/db/duckdb/references/check.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { type Case, cases, type Table } from './generate.ts';
import { type Known, openPlain, type Plain } from './plain.ts';

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

async function openOnPostgres({ ddl }: Case): Promise<void> {
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

async function commitOnDuckDb(plain: Plain, statements: readonly string[], known: Known): Promise<Outcome> {
  try {
    await plain.commit(statements, known);
    return 'ok';
  } catch (error) {
    return isAppError(error) && error.sqlState === '23503' ? 'reference' : 'other';
  }
}

async function requireSameRows(plain: Plain, tables: readonly Table[]): Promise<void> {
  for (const { name, columns } of tables) {
    const sql = `SELECT * FROM ${name} ORDER BY ${columns.map((column) => `${column} NULLS FIRST`).join(', ')}`;
    expect(await plain.rows(sql)).toEqual((await client.query(sql)).rows);
  }
}

it('succeed and fail alike', async () => {
  const counts = { ok: 0, reference: 0, other: 0, overeager: 0 };
  const property = fc.asyncProperty(
    cases(commitsEach),
    fc.constantFrom<Known>('all', 'record'),
    async (tried, known) => {
      const plain = await openPlain();
      await openOnPostgres(tried);
      await plain.ddl(...tried.ddl);
      for (const statements of tried.commits) {
        const expected = await tryOnPostgres(statements);
        const outcome = expected === 'other' ? expected : await commitOnDuckDb(plain, statements, known);
        if (expected === 'ok') await client.query(outcome === 'ok' ? 'COMMIT' : 'ROLLBACK');
        // A duplicate that DuckDB sees too early says nothing of references.
        const isOvereager = outcome === 'other' && expected !== 'other';
        counts[isOvereager ? 'overeager' : outcome]++;
        const text = statements.join('; ');
        expect(isOvereager ? [text, expected] : [text, outcome]).toEqual([text, expected]);
      }
      await requireSameRows(plain, tried.tables);
      await checkAllReferences(plain.session, await plain.catalog());
      plain.close();
    },
  );
  await fc.assert(property, { numRuns: schemas, endOnFailure: true });
  if (process.env['REFERENCE_SCHEMAS']) console.info('commits', counts);
  // Not for nothing: many of either kind.
  expect(counts.ok).toBeGreaterThan(schemas * 3);
  expect(counts.reference).toBeGreaterThan(schemas * 3);
  expect(counts.overeager).toBeLessThan(schemas);
}, 600_000);
