/** What the editor suggests: tables and columns of the catalog, functions, macros. */
import type { Completion, CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete';
import { sql, type SQLNamespace } from '@codemirror/lang-sql';
import { type LanguageSupport, syntaxTree } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import type { Catalog, Relation } from '../../api/catalog.ts';
import { quoteName } from '../../api/sql.ts';
import { dialectOf, functionsOf } from './dialects.ts';

/** The language with what is in this database. */
export function languageOf(catalog: Catalog | undefined): Extension {
  const dialect = dialectOf(catalog?.engine);
  if (!catalog) return sql({ dialect, upperCaseKeywords: true });
  const language: LanguageSupport = sql({
    dialect,
    upperCaseKeywords: true,
    schema: namespaceOf(catalog),
    defaultSchema: catalog.defaultSchema,
  });
  return [language, dialect.language.data.of({ autocomplete: columnsAndFunctions(catalog) })];
}

function namespaceOf({ relations }: Catalog): SQLNamespace {
  const schemas: Record<string, Record<string, readonly Completion[]>> = {};
  for (const { schema, name, columns } of relations) {
    (schemas[schema] ??= {})[name] = columns.map((column) => ({
      label: column.name,
      type: 'property',
      detail: column.sqlType,
    }));
  }
  return schemas;
}

/** The language itself knows columns only behind `table.`. */
function columnsAndFunctions(catalog: Catalog): CompletionSource {
  const functions = functionsOf(catalog.engine).map(functionCompletion);
  const macros = catalog.macros.map(({ name }) => functionCompletion(name));
  return (context): CompletionResult | null => {
    const word = context.matchBefore(/[\p{L}_][\p{L}\p{N}_]*/u);
    if (!word && !context.explicit) return null;
    const from = word?.from ?? context.pos;
    if (context.state.sliceDoc(from - 1, from) === '.' || isText(context)) return null;
    return {
      from,
      options: [...columnsNear(context, catalog), ...macros, ...functions],
      validFor: /^[\p{L}\p{N}_]*$/u,
    };
  };
}

function isText({ state, pos }: CompletionContext): boolean {
  return /String|Comment|QuotedIdentifier/.test(syntaxTree(state).resolveInner(pos, -1).name);
}

/** Of the tables that the statement names. */
function columnsNear({ state, pos }: CompletionContext, catalog: Catalog): Completion[] {
  let node = syntaxTree(state).resolveInner(pos, -1);
  while (node.name !== 'Statement' && node.parent) node = node.parent;
  const text = state.sliceDoc(node.from, node.to).toLowerCase();
  const words = new Set(text.match(/[\p{L}_][\p{L}\p{N}_]*|"[^"]+"/gu)?.map((word) => word.replaceAll('"', '')));
  return catalog.relations.filter(({ name }) => words.has(name.toLowerCase())).flatMap(columnCompletions(catalog));
}

const columnCompletions =
  ({ engine }: Catalog) =>
  ({ name: table, columns }: Relation): Completion[] =>
    columns.map(({ name, sqlType }) => ({
      label: name,
      apply: isPlain(name, engine) ? name : quoteName(name),
      type: 'property',
      detail: `${sqlType} · ${table}`,
      boost: 2,
    }));

function isPlain(name: string, engine: Catalog['engine']): boolean {
  return (engine === 'postgres' ? /^[a-z_][a-z0-9_]*$/ : /^[A-Za-z_]\w*$/).test(name);
}

function functionCompletion(name: string): Completion {
  return { label: name, apply: `${name}(`, type: 'function', boost: -1 };
}
