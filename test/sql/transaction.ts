/** One transaction of a run, on an instance. */
import type { Database } from '../../lib/db/database.ts';
import { readLiveSchema } from '../support/statements/live-schema.ts';
import { concernsMacros, type Intent, makeStatement, type StatementKind } from '../support/statements/make.ts';
import type { Statement } from '../support/statements/statement.ts';
import { comparable, type OracleAnswer } from './oracle.ts';
import type { RunRows } from '../support/database-state.ts';

/** Where the statements of a transaction come from: each is made when the one before it has run, and once. */
export interface StatementSource {
  readonly count: number;
  make(index: number, run: RunRows): Promise<Statement & { readonly kind?: StatementKind }>;
}

export interface Outcome {
  /** Those that ran, and the one that failed. */
  readonly statements: readonly (Statement & { readonly kind?: StatementKind })[];
  readonly answers: readonly OracleAnswer[];
  /** Null when the transaction was committed. */
  readonly error: Error | null;
  /** Whether a statement failed and the work went on. */
  readonly hasCaught: boolean;
  readonly version: number;
}

export function sourceOfIntents(intents: readonly Intent[], allowsVolatile: boolean): StatementSource {
  return {
    count: intents.length,
    make: async (index, run) =>
      makeStatement(intents[index]!, await readLiveSchema(run, concernsMacros(intents[index]!)), allowsVolatile),
  };
}

export function sourceOfStatements(statements: readonly Statement[]): StatementSource {
  return { count: statements.length, make: (index) => Promise.resolve(statements[index]!) };
}

/** The work may run more than once: it does the same each time. */
export async function transact(database: Database, source: StatementSource, catches: boolean): Promise<Outcome> {
  const statements: Statement[] = [];
  let answers: OracleAnswer[] = [];
  let hasCaught = false;
  const outcome = (error: Error | null, version: number): Outcome => ({
    statements,
    answers,
    error,
    hasCaught,
    version,
  });
  try {
    const { version } = await database.write(async (_, scope) => {
      answers = [];
      const run: RunRows = async (sql) => (await scope.run(sql)).rows;
      for (let index = 0; index < source.count; index++) {
        const statement = (statements[index] ??= await source.make(index, run));
        try {
          const { columns, rows } = await scope.run(statement.sql, statement.values);
          answers.push({ columns: columns.map(({ name }) => name), rows: rows.map(comparable).toSorted() });
        } catch (error) {
          if (!catches) throw error;
          hasCaught = true;
        }
      }
    });
    return outcome(null, version);
  } catch (error) {
    return outcome(error as Error, 0);
  }
}
