/** One transaction of a run, on an instance. */
import type { Database } from '../../../lib/db/database.ts';
import { type LiveSchema, readLiveSchema } from '../../support/statements/live-schema.ts';
import {
  changesRowsAlone,
  concernsMacros,
  type Intent,
  makeStatement,
  type StatementKind,
} from '../../support/statements/make.ts';
import type { Statement } from '../../support/statements/statement.ts';
import type { Answered } from './oracle.ts';
import type { RunRows } from '../../support/database-state.ts';

/** Where the statements of a transaction come from: each is made when the one before it has run, and once. */
export interface StatementSource {
  readonly count: number;
  make(index: number, run: RunRows): Promise<Statement & { readonly kind?: StatementKind }>;
  /** The transaction failed. */
  failed(): void;
}

export interface Outcome {
  /** Those that ran, and the one that failed. */
  readonly statements: readonly (Statement & { readonly kind?: StatementKind })[];
  readonly answers: readonly Answered[];
  /** Null when the transaction was committed. */
  readonly error: Error | null;
  /** Whether a statement failed and the work went on. */
  readonly hasCaught: boolean;
  readonly version: number;
}

/** The last schema, as long as nothing may have changed it: reading it takes longer than most statements. */
export class LastSchema {
  #schema: LiveSchema | null = null;

  async read(run: RunRows, withMacros: boolean): Promise<LiveSchema> {
    if (withMacros) return readLiveSchema(run, true);
    return (this.#schema ??= await readLiveSchema(run, false));
  }

  forget(): void {
    this.#schema = null;
  }
}

export function sourceOfIntents(
  intents: readonly Intent[],
  allowsVolatile: boolean,
  last: LastSchema,
): StatementSource {
  return {
    count: intents.length,
    make: async (index, run) => {
      const intent = intents[index]!;
      const statement = makeStatement(intent, await last.read(run, concernsMacros(intent)), allowsVolatile);
      if (!changesRowsAlone(statement.kind)) last.forget();
      return statement;
    },
    failed: () => last.forget(),
  };
}

export function sourceOfStatements(statements: readonly Statement[]): StatementSource {
  return { count: statements.length, make: (index) => Promise.resolve(statements[index]!), failed: () => undefined };
}

/** The work may run more than once: it does the same each time. */
export async function transact(database: Database, source: StatementSource, catches: boolean): Promise<Outcome> {
  const statements: Statement[] = [];
  let answers: Answered[] = [];
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
          answers.push({ columns: columns.map(({ name }) => name), rows });
        } catch (error) {
          if (!catches) throw error;
          hasCaught = true;
        }
      }
    });
    return outcome(null, version);
  } catch (error) {
    source.failed();
    return outcome(error as Error, 0);
  }
}
