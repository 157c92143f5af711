/** Calls of macros and functions, as statements for the sandbox of queries: what they may reach is decided there. */
import type { Catalog, Macro, Relation } from '../catalog/catalog.ts';
import { parseDuckDbType } from '../catalog/duckdb-types.ts';
import type { Parameter } from '../rows/parameters.ts';
import { join, name, raw, type Sql, sql, value as parameter } from '../sql/compose.ts';
import type { QueryColumn } from '../sql/result.ts';
import type { EngineName, PlainValue } from '../values.ts';
import { RestError } from './faults.ts';
import { listItems, listLiteral } from './operands.ts';
import { schemaOf } from './schemas.ts';

export interface Call {
  readonly macro: Macro;
  /** The function call in FROM. */
  readonly source: Sql;
  /** The names of the arguments. */
  readonly names: readonly string[];
}

/** By the names of parameters. */
export type Arguments = Readonly<Record<string, PlainValue | GivenText>>;

/** Those of the parameters of an address that are arguments, and the rest. */
export function splitArguments(
  catalog: Catalog,
  profile: string | null,
  called: string,
  parameters: readonly Parameter[],
): { readonly given: Arguments; readonly rest: readonly Parameter[] } {
  const names = new Set(
    macrosNamed(catalog, profile, called).flatMap((macro) => macro.parameters.map((each) => each.name)),
  );
  const given = parameters.filter(([each]) => names.has(each));
  return {
    given: Object.fromEntries(given.map(([each, text]) => [each, new GivenText(text)])),
    rest: parameters.filter(([each]) => !names.has(each)),
  };
}

/** An argument as an address has it: a text that may be any value. */
class GivenText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function macrosNamed(catalog: Catalog, profile: string | null, called: string): readonly Macro[] {
  const schema = schemaOf(catalog, profile) ?? catalog.defaultSchema;
  return catalog.macros.filter((macro) => macro.schema === schema && macro.name === called);
}

/** @throws RestError PGRST202 */
export function planCall(catalog: Catalog, profile: string | null, called: string, given: Arguments): Call {
  const names = Object.keys(given);
  const fitting = macrosNamed(catalog, profile, called)
    .filter(({ parameters }) => names.every((each) => parameters.some((known) => known.name === each)))
    .toSorted((a, b) => a.parameters.length - b.parameters.length);
  const [macro] = fitting;
  if (!macro) throw noSuchFunction(catalog, called, names);
  const named = name(macro.schema, macro.name);
  const call = sql`${named}(${join(argumentsOf(catalog.engine, macro, given))})`;
  const isValue = catalog.engine === 'duckdb' && macro.kind === 'scalar';
  return {
    macro,
    names,
    source: isValue ? sql`(select ${call} as ${name(macro.name)})` : sql`(select * from ${call})`,
  };
}

/** `meant`: the only one that has all of these names. */
export function noSuchFunction(catalog: Catalog, called: string, names: readonly string[], meant?: Macro): RestError {
  const shown = names.length === 0 ? 'without parameters' : `with parameters ${names.join(', ')}`;
  return new RestError(
    'PGRST202',
    404,
    `Could not find the function ${catalog.defaultSchema}.${called}(${names.join(', ')}) in the schema cache`,
    {
      details: `Searched for the function ${called} ${shown}, but no matches were found in the schema cache.`,
      ...(meant ? { hint: `Its parameters are ${meant.parameters.map((each) => each.name).join(', ')}.` } : {}),
    },
  );
}

function argumentsOf(engine: EngineName, macro: Macro, given: Arguments): Sql[] {
  const known = macro.parameters.filter((each) => Object.hasOwn(given, each.name));
  return known.map(({ name: of, type }) => {
    const value = given[of] ?? null;
    if (engine === 'duckdb') {
      const literal = literalOf(value, type);
      return sql`${name(of)} := ${type === null ? literal : sql`cast(${literal} as ${raw(type)})`}`;
    }
    const bound = parameter(textFor(value, type ?? ''));
    return /^\$\d+$/.test(of) ? bound : sql`${name(of)} => ${bound}`;
  });
}

/** PostgreSQL reads each text by the type of its parameter. */
function textFor(value: PlainValue | GivenText, type: string): PlainValue {
  if (value === null) return null;
  if (value instanceof GivenText) return value.text;
  if (Array.isArray(value) && type.endsWith('[]')) return listLiteral(value as readonly PlainValue[]);
  return typeof value === 'object' || type.startsWith('json') ? JSON.stringify(value) : String(value);
}

/** In DuckDB a macro's parameters have no types, and its body is read with the values in their places. */
function literalOf(value: PlainValue | GivenText, type: string | null): Sql {
  if (value === null) return raw('null');
  if (value instanceof GivenText) return type === null ? literalOfText(value.text) : quoted(value.text);
  if (typeof value === 'boolean') return raw(String(value));
  if (typeof value === 'number') return raw(`(${value})`);
  if (Array.isArray(value))
    return sql`[${join((value as readonly PlainValue[]).map((each) => literalOf(each, null)))}]`;
  if (typeof value === 'object') return sql`cast(${quoted(JSON.stringify(value))} as json)`;
  return quoted(value);
}

function literalOfText(text: string): Sql {
  if (/^-?(?:0|[1-9]\d{0,17})(?:\.\d{1,17})?$/.test(text)) return raw(`(${text})`);
  if (/^(?:true|false|null)$/i.test(text)) return raw(text.toLowerCase());
  if (/^\{.*\}$/s.test(text)) {
    const items = listItems(text).map((item) => (item === null ? raw('null') : literalOfText(item)));
    return sql`[${join(items)}]`;
  }
  return quoted(text);
}

/** DuckDB's texts have no escapes but the doubled quote. */
function quoted(text: string): Sql {
  if (text.includes('\0') || !text.isWellFormed())
    throw new RestError('22021', 400, 'An argument has a character that no text may have.');
  return raw(`'${text.replaceAll("'", "''")}'`);
}

const ofPostgres: Readonly<Record<string, string>> = { DOUBLE: 'double precision', BLOB: 'bytea' };

/** What a call answers, as a relation: for filters and orders. */
export function resultRelation({ macro }: Call, engine: EngineName, columns: readonly QueryColumn[]): Relation {
  return {
    schema: macro.schema,
    name: macro.name,
    kind: 'view',
    comment: null,
    columns: columns.map(({ name: of, type }) => ({
      name: of,
      type: type === 'DECIMAL' ? { kind: 'decimal', width: null, scale: null } : parseDuckDbType(type),
      sqlType: engine === 'postgres' ? (ofPostgres[type] ?? type) : type,
      nullable: true,
      default: null,
      generated: false,
      comment: null,
    })),
    key: [],
    unique: [],
    checks: [],
    references: [],
    readOnly: 'It is the result of a function.',
    estimatedRows: null,
  };
}

/** Whether each row is one value, and not an object with the columns. */
export function isOfValues({ macro }: Call, engine: EngineName, columns: readonly QueryColumn[]): boolean {
  const [only, ...others] = columns;
  if (!only || others.length > 0 || only.name !== macro.name) return false;
  return engine === 'postgres' || macro.kind === 'scalar';
}
