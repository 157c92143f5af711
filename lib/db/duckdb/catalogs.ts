/** The catalogs of a DuckDB database, read once for each state of its definitions. */
import type { Catalog, Macro } from '../../catalog/catalog.ts';
import { readDuckDbCatalog, readDuckDbMacros } from '../../catalog/duckdb.ts';
import type { RunQuery } from '../../catalog/model.ts';
import type { Runtime } from '../../runtime.ts';
import type { Definitions } from '../../sync/definitions.ts';
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
  readonly #macros = new WeakMap<object, readonly Macro[]>();
  readonly #references = new WeakMap<object, boolean>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Null when it has to be read in a transaction. */
  async known(definitions: Definitions): Promise<Catalog | null> {
    const cached = await this.#cached.get(definitions)?.catch(() => null);
    return cached && !this.#isOld(cached) ? cached.catalog : null;
  }

  /** The catalog of the state that the open transaction of `session` sees, which `definitions` stands for. */
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
    const run: RunQuery = async (sql) => plainRows(await session.run(sql));
    const readMs = this.#runtime.monotonicMs();
    const known = this.#macros.get(macros) ?? (await readDuckDbMacros(run));
    const catalog = await readDuckDbCatalog(run, known);
    this.#macros.set(macros, known);
    return { catalog, readMs };
  }

  #isOld({ readMs }: Cached): boolean {
    return this.#runtime.monotonicMs() - readMs > estimatesMs;
  }
}
