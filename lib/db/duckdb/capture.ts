/**
 * The statements of one write request, each with what it changes.
 *
 * A statement is run only when it is of a kind whose changes are known, by its words and by DuckDB's own parser alike,
 * and all others are refused before they run.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { requireKnown } from '../../sql/adapt.ts';
import { definitionOf } from '../../sql/definition.ts';
import { knownStatement } from '../../sql/known-statement.ts';
import type { StatementResult } from '../../sql/result.ts';
import type { RowStatement, Statement } from '../../sql/statement.ts';
import type { WriteTransaction } from '../../sync/batch.ts';
import { type CapturedChange, isRowChange } from '../../sync/record.ts';
import type { Shape, Shapes, TableName } from '../../sync/shapes.ts';
import { Turn } from '../../sync/turn.ts';
import type { Catalogs } from './catalogs.ts';
import { Ddl, notATable } from './ddl.ts';
import { type DdlRun, requireDefinable } from './definable.ts';
import { type Origin, tableId, tableNameOf } from './names.ts';
import { checkAllReferences, checkReferences } from './references/check.ts';
import { runDdl } from './references/ddl.ts';
import { isReferredToBesideKey } from './references/links.ts';
import type { CheckedChange } from './references/questions.ts';
import { refusal } from './refusals.ts';
import { runRowStatement, runUncaptured } from './rows.ts';
import { isQuery, runQuery } from './run.ts';
import { checkUnique } from './unique.ts';

export interface CaptureOptions {
  readonly transaction: WriteTransaction;
  readonly shapes: Shapes;
  readonly catalogs: Catalogs;
  /** The whole state becomes the record: what statements change need not be known. */
  readonly isWhole?: boolean;
}

export class Capture {
  readonly #transaction: WriteTransaction;
  readonly #shapes: Shapes;
  readonly #catalogs: Catalogs;
  readonly #ddl: Ddl;
  readonly #isWhole: boolean;
  /** What references are held against at the end. */
  readonly #changes: CheckedChange[] = [];
  /** Tables may have other names, columns and references than when their rows were changed. */
  #isRedefined = false;
  /** Tables of which rows that were there are changed or gone. */
  readonly #rewritten = new Set<string>();
  /** Tables of which any rows are changed, gone or new. */
  readonly #touched = new Set<string>();
  /** Tables that were made unique in some columns, by `tableId`. */
  readonly #madeUnique = new Map<string, TableName>();
  readonly #turn = new Turn();
  #isWatching = false;
  #hasChanged = false;

  constructor({ transaction, shapes, catalogs, isWhole = false }: CaptureOptions) {
    this.#transaction = transaction;
    this.#shapes = shapes;
    this.#catalogs = catalogs;
    this.#isWhole = isWhole;
    this.#ddl = new Ddl({
      transaction,
      shapes,
      isWhole,
      rewritten: this.#rewritten,
      madeUnique: this.#madeUnique,
      capture: (change) => this.#capture(change),
      runRows: async (sql) => void (await this.#run(sql, [], 'own')),
    });
  }

  /**
   * Runs one statement. `own`: it is of Eider's own code, and may write Eider's own tables.
   *
   * @throws AppError `invalid` for one that cannot be captured
   */
  async run(sql: string, values: readonly unknown[] = [], origin: Origin = 'user'): Promise<StatementResult> {
    return this.#watched(() => this.#run(sql, values, origin));
  }

  /** Runs what is known to be a SELECT. */
  async select(run: () => Promise<StatementResult>): Promise<StatementResult> {
    return this.#watched(async () => {
      await this.#ddl.finish();
      return run();
    });
  }

  /** After the last statement: what is left to do, whether all references hold, and where sequences are now. */
  async finish(): Promise<void> {
    if (!this.#isWatching) return;
    await this.#watched(async () => {
      await this.#ddl.finish();
      for (const [id, name] of this.#madeUnique) {
        if (this.#touched.has(id)) await checkUnique(this.#transaction.session, name);
      }
      await this.#checkReferences();
      if (this.#isWhole) return;
      for (const change of await this.#shapes.sequences.moved(this.#hasChanged)) this.#capture(change);
    });
  }

  async #checkReferences(): Promise<void> {
    const { session } = this.#transaction;
    const hasWritten = this.#isWhole || this.#changes.length > 0;
    if (!hasWritten || !(await this.#hasReferences())) return;
    const catalog = await this.#catalog();
    if (this.#isWhole || this.#isRedefined) await checkAllReferences(session, catalog);
    else await checkReferences(session, catalog, this.#changes);
  }

  /** Statements take turns: one may be several steps. A failure is recorded, since DuckDB has then aborted the transaction. */
  #watched<T>(work: () => Promise<T>): Promise<T> {
    return this.#turn.take(async () => {
      try {
        if (!this.#isWatching && !this.#isWhole) await this.#shapes.sequences.watch();
        this.#isWatching = true;
        return await work();
      } catch (error) {
        this.#transaction.spoil(error);
        throw error;
      }
    });
  }

  async #run(sql: string, values: readonly unknown[], origin: Origin): Promise<StatementResult> {
    const statement = knownStatement(sql);
    const definition = definitionOf(statement);
    if (definition) return this.#define({ statement, definition, values, origin });
    await this.#ddl.finish();
    if (statement.write) return this.#runRows(statement, statement.write, values, origin);
    if (isQuery(statement)) return runQuery(this.#transaction.session, statement, values);
    throw await refusal(this.#transaction.session, statement);
  }

  /** References are Eider's own: DuckDB runs what is left of the statement. */
  async #define(run: DdlRun): Promise<StatementResult> {
    requireKnown(run.statement);
    if (run.origin === 'own' || !(await this.#concernsReferences(run))) return this.#ddl.run(run);
    requireDefinable(run);
    this.#transaction.requireAlone();
    this.#isRedefined ||= this.#changes.length > 0;
    await runDdl(run.statement.sql, {
      session: this.#transaction.session,
      catalog: () => this.#catalog(),
      runDdl: async (sql) => {
        const statement = knownStatement(sql);
        await this.#ddl.run({ ...run, statement, definition: definitionOf(statement) ?? run.definition });
      },
      runRows: async (sql, values) => void (await this.#run(sql, values, 'own')),
    });
    return { command: run.statement.command, columns: [], rows: [], rowCount: null };
  }

  /** It declares one, or may take away or rename what one is about. */
  async #concernsReferences({ statement, definition }: DdlRun): Promise<boolean> {
    const { action, object, orReplace } = definition;
    const isOfTable = object === 'TABLE';
    if (isOfTable && statement.tokens.some(({ keyword }) => keyword === 'REFERENCES' || keyword === 'CONSTRAINT')) {
      return true;
    }
    return (action === 'DROP' || (isOfTable && (action === 'ALTER' || orReplace))) && this.#hasReferences();
  }

  #hasReferences(): Promise<boolean> {
    return this.#catalogs.hasReferences(this.#transaction.definitions, this.#transaction.session);
  }

  #catalog(): Promise<Catalog> {
    return this.#catalogs.of(this.#transaction.definitions, this.#transaction.session);
  }

  async #runRows(
    statement: Statement,
    write: RowStatement,
    values: readonly unknown[],
    origin: Origin,
  ): Promise<StatementResult> {
    const { session } = this.#transaction;
    const shape = await this.#shapes.find(tableNameOf(write.target, origin));
    if (!shape) return notATable(session, statement, write.target);
    const run = { statement, write, values, shape };
    if (this.#isWhole) {
      this.#touched.add(tableId(shape));
      if (!write.addsOnly) this.#rewritten.add(tableId(shape));
      return runUncaptured(session, run);
    }
    const wantsDeleted = await this.#wantsDeleted(write, shape);
    const { result, changes, deleted } = await runRowStatement(session, { ...run, wantsDeleted });
    const assigned = assignedOf(write, shape);
    for (const change of changes) {
      this.#capture(change, 'delete' in change ? { before: deleted } : { assigned });
      if (!write.addsOnly) this.#rewritten.add(tableId(shape));
    }
    return result;
  }

  /** Where a reference is to other columns than the key, it matters what these were. */
  async #wantsDeleted({ kind }: RowStatement, { schema, table }: Shape): Promise<boolean> {
    if ((kind !== 'delete' && kind !== 'merge') || !(await this.#hasReferences())) return false;
    return isReferredToBesideKey(await this.#catalog(), { schema, name: table });
  }

  #capture(change: CapturedChange, known: Pick<CheckedChange, 'assigned' | 'before'> = {}): void {
    this.#hasChanged = true;
    if (isRowChange(change)) this.#touched.add(tableId({ schema: change.schema ?? 'main', table: change.table }));
    if (isRowChange(change) && change.schema !== 'eider') this.#changes.push({ ...change, ...known });
    this.#transaction.capture(change);
  }
}

/** The columns that an UPDATE sets, as the table spells them; undefined: it may be any. */
function assignedOf({ kind, assigned }: RowStatement, { allNames }: Shape): readonly string[] | undefined {
  if (kind !== 'update' || !assigned) return undefined;
  const names = new Set(assigned.map((name) => name.toLowerCase()));
  return allNames.filter((name) => names.has(name.toLowerCase()));
}
