/**
 * Objects that represent the tables, views and macros of a version: caches of what was read of them have these
 * as keys.
 */
import type { Change } from './record.ts';

/** Another object, other definitions. */
export interface Definitions {
  /** The same while no macro can have changed. Reading them takes DuckDB longer than reading all the rest. */
  readonly macros: object;
  /** The same while no reference can have changed. */
  readonly references: object;
}

export function unknownDefinitions(): Definitions {
  return { macros: {}, references: {} };
}

/** The definitions after the changes: the same object when only rows change. */
export function definitionsAfter(changes: readonly Change[], before: Definitions): Definitions {
  const changing = changes.filter((change) => 'ddl' in change || changesReferences(change));
  if (changing.length === 0) return before;
  return {
    macros: changing.some(changesMacros) ? {} : before.macros,
    references: changing.some(changesReferences) ? {} : before.references,
  };
}

/** Rows of eider.references are definitions, too. */
function changesReferences(change: Change): boolean {
  return 'bulk' in change || ('table' in change && change.schema === 'eider' && change.table === 'references');
}

/** A schema takes its macros with it, but a new one has none. */
const aboutMacros = /\b(?:MACRO|FUNCTION)\b|^(?!\s*CREATE\s+SCHEMA\b).*\bSCHEMA\b/is;

function changesMacros(change: Change): boolean {
  return 'bulk' in change || ('ddl' in change && aboutMacros.test(change.ddl));
}

/** A reader may be at an older version than the newest, but never this many behind. */
const mostKept = 64;

/** The definitions of one replica, by version. */
export class DefinitionsByVersion {
  readonly #changes: { readonly version: number; readonly definitions: Definitions }[] = [];
  readonly #first = unknownDefinitions();

  get newest(): Definitions {
    return this.#changes.at(-1)?.definitions ?? this.#first;
  }

  at(version: number): Definitions {
    const found = this.#changes.findLast((change) => change.version <= version);
    if (found) return found.definitions;
    return this.#changes.length < mostKept ? this.#first : unknownDefinitions();
  }

  /** Records the changes of the commit that makes `version`, before that commit is visible. */
  note(version: number, changes: readonly Change[]): void {
    const definitions = definitionsAfter(changes, this.newest);
    if (definitions === this.newest) return;
    this.#changes.push({ version, definitions });
    if (this.#changes.length > mostKept) this.#changes.shift();
  }
}
