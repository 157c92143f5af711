/** The catalogs of a DuckDB database, read once for each state of its definitions. */
import type { Catalog, Macro, Relation } from '../../catalog/catalog.ts';
import { readDuckDbCatalog, readDuckDbMacros } from '../../catalog/duckdb.ts';
import type { RunQuery } from '../../catalog/model.ts';
import type { Runtime } from '../../runtime.ts';
import type { Definitions } from '../../sync/definitions.ts';
import type { StateWork } from '../../sync/overlay.ts';
import type { Session } from '../../sync/sql.ts';
import { plainRows } from './dialect.ts';

/** The numbers of rows in it are rough, but should follow what is written. */
const estimatesMs = 60_000;

interface Cached {
  readonly catalog: Catalog;
  readonly readMs: number;
}

export class Catalogs {
  readonly #runtime: Runtime;
  readonly #cached = new WeakMap<Definitions, Promise<Cached>>();
  readonly #macros = new WeakMap<object, Promise<readonly Macro[]>>();
  readonly #references = new WeakMap<object, boolean>();
  #warnings: readonly string[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Which views are left out of the catalog that was read last, and why. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Null when it has to be read in a transaction. */
  async known(definitions: Definitions): Promise<Catalog | null> {
    const cached = await this.#cached.get(definitions)?.catch(() => null);
    return cached && !this.#isOld(cached) ? cached.catalog : null;
  }

  /**
   * Begins to read the catalog, in two sessions side by side: at a start, DuckDB takes longer for it than for all else. Who asks
   * for it meanwhile waits for this.
   */
  begin(read: <T>(work: StateWork<T>) => Promise<T>): void {
    const reading = [
      read((session, _version, { macros }) => this.#macrosOf(macros, runIn(session))),
      read((session, _version, definitions) => this.of(definitions, session)),
    ];
    // Whoever needs it reads it again, and is told.
    for (const each of reading) each.catch(() => undefined);
  }

  /** The catalog of the state that the open transaction of `session` sees, identified by `definitions`. */
  async of(definitions: Definitions, session: Session): Promise<Catalog> {
    const known = await this.known(definitions);
    if (known) return known;
    const reading = this.#read(definitions, session);
    this.#cached.set(definitions, reading);
    return (await reading).catalog;
  }

  /** Whether any table refers to another: for most databases all that a write has to know of references. */
  async hasReferences({ references }: Definitions, session: Session): Promise<boolean> {
    let found = this.#references.get(references);
    if (found !== undefined) return found;
    found = ((await session.table('eider', 'references', '1'))?.rowCount ?? 0) > 0;
    this.#references.set(references, found);
    return found;
  }

  async #read({ macros }: Definitions, session: Session): Promise<Cached> {
    const run = runIn(session);
    const readMs = this.#runtime.monotonicMs();
    const read = await readDuckDbCatalog(run, () => this.#macrosOf(macros, run));
    return { catalog: await this.#withoutRefused(read, session), readMs };
  }

  #macrosOf(macros: object, run: RunQuery): Promise<readonly Macro[]> {
    const known = this.#macros.get(macros);
    if (known) return known;
    const reading = readDuckDbMacros(run);
    this.#macros.set(macros, reading);
    reading.catch(() => this.#macros.delete(macros));
    return reading;
  }

  /** A view that may not be read has no route. */
  async #withoutRefused(catalog: Catalog, session: Session): Promise<Catalog> {
    this.#warnings = [];
    if (![...catalog.relations.values()].some(({ kind }) => kind === 'view')) return catalog;
    const { judgeViews } = await import('./query/judgement.ts');
    const { refused } = await judgeViews(session.connection);
    if (refused.size === 0) return catalog;
    this.#warnings = [...refused].map(([name, { message }]) => `The view ${name} is not shown: ${message}`);
    const isShown = ({ schema, name, kind }: Relation): boolean =>
      kind !== 'view' || !refused.has(`${schema}.${name}`.toLowerCase());
    return { ...catalog, relations: new Map([...catalog.relations].filter(([, relation]) => isShown(relation))) };
  }

  #isOld({ readMs }: Cached): boolean {
    return this.#runtime.monotonicMs() - readMs > estimatesMs;
  }
}

const runIn =
  (session: Session): RunQuery =>
  async (sql) =>
    plainRows(await session.run(sql));
