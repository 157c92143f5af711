/**
 * Decided on the tree of PostgreSQL's own parser: what is not listed is refused. `t.f` also calls `f(t)`, and a name
 * from WITH may be a table elsewhere: such names must be no functions or tables.
 */
import type { RelationName } from '../../../catalog/catalog.ts';
import { AppError } from '../../../errors.ts';
import { clockValues, scalarFunctions, setFunctions, types } from './functions.ts';

/** The names that a tree uses and that only the database can judge. */
export interface UsedNames {
  /** Tables, without those that a WITH gives. */
  readonly tables: ReadonlySet<string>;
  /** What WITH gives: must not be a table or view of the database. */
  readonly common: ReadonlySet<string>;
  /** After a dot: must not be a function that does more than compute. */
  readonly fields: ReadonlySet<string>;
  /** Those that are not on the list: must be the user's. */
  readonly types: ReadonlySet<string>;
}

/** What the statement may do beside reading. */
export type May = 'read' | 'write' | 'define';

type PostgresNode = Readonly<Record<string, unknown>>;

const allowedNodes = new Set(
  `A_ArrayExpr A_Const A_Expr A_Indices A_Indirection A_Star BoolExpr BooleanTest CaseExpr CaseWhen CoalesceExpr
   CollateClause ColumnRef CommonTableExpr Float FuncCall GroupingFunc GroupingSet Integer JoinExpr List MinMaxExpr
   NamedArgExpr NullTest ParamRef RangeFunction RangeSubselect RangeTableSample RangeVar ResTarget RowExpr SelectStmt
   SortBy SQLValueFunction String SubLink TypeCast WindowDef Boolean BitString`.split(/\s+/),
);
const rowNodes = new Set(
  'InsertStmt UpdateStmt DeleteStmt MergeStmt TruncateStmt MergeWhenClause SetToDefault MultiAssignRef IndexElem'.split(
    ' ',
  ),
);
export const definitionNodes: ReadonlySet<string> = new Set(
  `CreateStmt CreateTableAsStmt ViewStmt IndexStmt CreateSeqStmt AlterSeqStmt AlterTableStmt RenameStmt DropStmt
   CommentStmt CreateEnumStmt AlterEnumStmt CreateSchemaStmt CreateDomainStmt CompositeTypeStmt`.split(/\s+/),
);
const partsOfDefinitions = new Set('AlterTableCmd ColumnDef Constraint IndexElem TypeName DefElem'.split(' '));
const alterations =
  /^AT_(?:AddColumn|DropColumn|ColumnDefault|(?:Set|Drop)NotNull|(?:Add|Drop|Validate|Alter)Constraint|AlterColumnType|(?:Add|Set|Drop)Identity|(?:Set|Drop)Expression)$/;
const ownSchemas = /^(?:eider|information_schema|pg_.*)$/;
/** Fields that hold a node without its name around it, beyond those that are walked like any other. */
const refusedFields = new Set(['intoClause', 'lockingClause']);
const plainName = /^[\p{L}_][\p{L}\p{M}\p{N}_$]*$/u;

/** @throws AppError `invalid` for a tree that holds anything which is not allowed */
export function checkTree(tree: unknown, may: May, calls?: RelationName): UsedNames {
  const inspection = new PostgresInspection(may, calls);
  inspection.walk(tree);
  return inspection.names();
}

class PostgresInspection {
  readonly #tables = new Set<string>();
  readonly #common = new Set<string>();
  readonly #fields = new Set<string>();
  readonly #types = new Set<string>();
  readonly #may: May;

  /** The one function of the user's that may be called. */
  readonly #calls: RelationName | undefined;

  constructor(may: May, calls: RelationName | undefined) {
    this.#may = may;
    this.#calls = calls;
  }

  names(): UsedNames {
    const tables = new Set([...this.#tables].filter((name) => !this.#common.has(name)));
    return { tables, common: this.#common, fields: this.#fields, types: this.#types };
  }

  walk(value: unknown): void {
    if (Array.isArray(value)) for (const each of value) this.walk(each);
    if (!isNode(value)) return;
    if (typeof value['relname'] === 'string') this.#noteTable(value);
    for (const [name, child] of Object.entries(value)) {
      if (refusedFields.has(name)) throw refuse(name === 'intoClause' ? 'SELECT … INTO' : 'FOR UPDATE');
      // Names of nodes begin with a capital, names of fields do not.
      if (name === 'typeName' || name === 'TypeName') this.#requireType(child);
      else if (/^[A-Z]/.test(name)) this.#node(name, child);
      else if (!(this.#may === 'define' && targets.has(name) && isNode(child))) this.walk(child);
      else requireOwnSchema(child['rel'] ?? child);
    }
  }

  #isAllowed(kind: string): boolean {
    if (allowedNodes.has(kind) || (this.#may === 'write' && rowNodes.has(kind))) return true;
    return this.#may === 'define' && (definitionNodes.has(kind) || partsOfDefinitions.has(kind));
  }

  #node(kind: string, node: unknown): void {
    if (!this.#isAllowed(kind) || !isNode(node)) throw refuse(`a part of the kind ${kind}`);
    if (kind === 'FuncCall' && !this.#isCall(node)) requireFunction(node, this.#may);
    if (kind === 'AlterTableCmd' && !alterations.test(String(node['subtype']))) throw refuse(String(node['subtype']));
    // Names of objects: those of the system and of Eider may not be defined.
    if (kind === 'String' && this.#may === 'define' && ownSchemas.test(String(node['sval']))) {
      throw refuse(`the name ${String(node['sval'])}`);
    }
    if (kind === 'SQLValueFunction' && !clockValues.test(String(node['op'])))
      throw refuse('the name of a user or a schema');
    if (kind === 'CommonTableExpr') this.#noteCommon(node['ctename']);
    if (kind === 'ColumnRef') this.#noteFields(stringsIn(node['fields']).slice(1));
    if (kind === 'A_Indirection') this.#noteFields(stringsIn(node['indirection']));
    if (kind === 'A_Expr' || kind === 'SubLink') requireOperator(node['name'] ?? node['operName']);
    this.walk(node);
  }

  #isCall(node: PostgresNode): boolean {
    const [schema, name, ...others] = stringsIn(node['funcname']);
    return (
      this.#calls !== undefined && others.length === 0 && schema === this.#calls.schema && name === this.#calls.name
    );
  }

  #noteTable(node: PostgresNode): void {
    const { relname, schemaname, catalogname } = node;
    if (typeof relname !== 'string' || catalogname !== undefined) throw refuse('a table of another database');
    requireOwnSchema(node);
    this.#tables.add(typeof schemaname === 'string' ? `${schemaname}.${relname}` : relname);
  }

  #requireType(node: unknown): void {
    const names = isNode(node) ? node['names'] : undefined;
    const name = ownName(names);
    if (name !== null && types.has(name)) return;
    const own = stringsIn(names);
    if (own.length === 0 || own.length > 2 || systemTypes.test(own.at(-1) ?? ''))
      throw refuse(`the type ${own.join('.')}`);
    if (this.#may !== 'define') this.#types.add(own.at(-1) ?? '');
  }

  #noteCommon(name: unknown): void {
    if (typeof name !== 'string' || !plainName.test(name)) throw refuse('a WITH without a plain name');
    this.#common.add(name);
  }

  #noteFields(names: readonly string[]): void {
    for (const name of names) if (!scalarFunctions.has(name)) this.#fields.add(name);
  }
}

function isNode(value: unknown): value is PostgresNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The texts among nodes such as `{String: {sval}}`; an empty text is left out of the tree. */
function stringsIn(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((each: unknown) => {
    const text = isNode(each) ? each['String'] : undefined;
    if (!isNode(text)) return [];
    const { sval = '' } = text;
    return typeof sval === 'string' ? [sval] : [];
  });
}

/** The last part of a name, whose part before it can only be PostgreSQL's own schema. */
function ownName(list: unknown): string | null {
  const parts = stringsIn(list);
  if (parts.length === 0 || parts.length > 2 || (parts.length === 2 && parts[0] !== 'pg_catalog')) return null;
  return parts.at(-1) ?? null;
}

const sequenceFunctions = new Set(['nextval', 'currval']);

function requireFunction(node: PostgresNode, may: May): void {
  const name = ownName(node['funcname']);
  if (name !== null && (scalarFunctions.has(name) || setFunctions.has(name))) return;
  if (name !== null && may !== 'read' && sequenceFunctions.has(name)) return;
  throw refuse(`the function ${stringsIn(node['funcname']).join('.')}`);
}

/** What a definition is about: it need not be there yet. */
const targets = new Set(['relation', 'view', 'into', 'sequence', 'pktable']);
/** Whose texts name what is in the catalogs. */
const systemTypes = /^(?:reg.*|oid|xid8?|cid|tid|pg_.*|.*_handler|cstring|internal|record)$/;

function requireOwnSchema(node: unknown): void {
  const { schemaname = '', catalogname, relpersistence } = isNode(node) ? node : {};
  if (catalogname !== undefined) throw refuse('a table of another database');
  if (ownSchemas.test(String(schemaname))) throw refuse(`the schema ${String(schemaname)}`);
  if (relpersistence === 't') throw refuse('a temporary table');
}

function requireOperator(name: unknown): void {
  if (name !== undefined && ownName(name) === null) throw refuse('an operator of a schema');
}

export function refuse(what: string): AppError {
  return new AppError('invalid', `A query may not use ${what}.`, {
    sqlState: '42501',
    hint: 'A query reads the tables of the database: one SELECT, with the functions that compute values.',
  });
}
