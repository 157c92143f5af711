/** SQL as the engines speak it: for colours, and for what the editor suggests. */
import { PostgreSQL, SQLDialect } from '@codemirror/lang-sql';
import { scalarFunctions as duckDbFunctions, tableFunctions } from '../../../../lib/db/duckdb/query/functions.ts';
import { scalarFunctions as postgresFunctions, setFunctions } from '../../../../lib/db/postgres/query/functions.ts';
import type { Catalog } from '../../api/catalog.ts';

const { spec } = PostgreSQL;

const DuckDb = SQLDialect.define({
  ...spec,
  keywords: `${spec.keywords ?? ''} anti asof describe exclude glob ilike macro pivot positional pragma qualify replace sample
    semi summarize unpivot virtual`,
  types: `${spec.types ?? ''} bignum blob datetime double float hugeint int1 list long map short string struct tinyint
    ubigint uhugeint uinteger union usmallint utinyint`,
});

export function dialectOf(engine: Catalog['engine'] | undefined): SQLDialect {
  return engine === 'postgres' ? PostgreSQL : DuckDb;
}

/** Those that a query may call. */
export function functionsOf(engine: Catalog['engine']): readonly string[] {
  const sets = engine === 'postgres' ? [postgresFunctions, setFunctions] : [duckDbFunctions, tableFunctions];
  return [...new Set(sets.flatMap((set) => [...set]))];
}
