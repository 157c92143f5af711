/**
 * Writes as data: what a client asked for, complete enough to run again, later and elsewhere, with the same result.
 * A fallback keeps them as pending writes.
 */
import { findRelation, type Relation } from '../catalog/catalog.ts';
import type { Scope, Together } from '../db/database.ts';
import { AppError } from '../errors.ts';
import type { PlainValue, Queries, Row } from '../values.ts';
import type { Filter } from './filter.ts';
import { passNumbers } from './numbers.ts';
import { inTransaction } from '../db/together.ts';
import { type AnswerForms, type Idempotency, type Once, once } from './idempotency.ts';
import { conflictKey, insertRows, insertSets, type OnConflict } from './insert.ts';
import type { Key } from './key.ts';
import { fulfilled } from './sets.ts';
import { deleteMatching, type Matched, updateMatching } from './matching.ts';
import { deleteRow, updateRow } from './update.ts';
import { deleteRows, updateRows } from './update-set.ts';
import type { Precondition } from './version.ts';

/** By its display name. */
type CommandTarget = { readonly table: string };
type RowCommand = CommandTarget & { readonly key: Key; readonly precondition?: Precondition };
/** `returning`: the outcome has the rows. */
type MatchingRows = { readonly filter: Filter; readonly returning?: true };
type AtMostOnce = { readonly idempotency?: Idempotency };

type CommandOf = {
  create: CommandTarget & AtMostOnce & { readonly kind: 'create'; readonly values: Row };
  createMany: CommandTarget & AtMostOnce & { readonly kind: 'createMany'; readonly rows: readonly Row[] };
  upsert: CommandTarget & AtMostOnce & OnConflict & { readonly kind: 'upsert'; readonly rows: readonly Row[] };
  replace: RowCommand & { readonly kind: 'replace'; readonly values: Row };
  update: RowCommand & AtMostOnce & { readonly kind: 'update'; readonly values: Row };
  delete: RowCommand & { readonly kind: 'delete' };
  updateMany: CommandTarget & AtMostOnce & MatchingRows & { readonly kind: 'updateMany'; readonly values: Row };
  deleteMany: CommandTarget & MatchingRows & { readonly kind: 'deleteMany' };
};

/** Plain JSON. */
export type Command = CommandOf[keyof CommandOf];

/** What each answers: rows as they are now, or how many there were. */
interface Outcomes {
  readonly create: Row;
  readonly createMany: readonly Row[];
  readonly upsert: readonly Row[];
  readonly replace: Row;
  readonly update: Row;
  readonly delete: null;
  readonly updateMany: Matched;
  readonly deleteMany: Matched;
}

export type Outcome<C extends Command> = Outcomes[C['kind']];

export interface Done<T> extends Once<T> {
  /** The command with every value that the first run decided; running it again gives the same rows. */
  readonly fixed: Command;
}

/**
 * Runs the command in the transaction of the scope; a command with a key that was done before changes nothing and answers
 * what it answered then.
 *
 * @throws AppError `not-found` (no such table or row), `invalid` (the database refuses a value; the key of another
 * command), `conflict` (a duplicate, a row that others refer to, a condition that does not hold: `PreconditionFailed`).
 * The transaction is to be rolled back then.
 */
export function executeCommand<C extends Command>(
  queries: Queries,
  scope: Scope,
  command: C,
): Promise<Done<Outcome<C>>> {
  return executeOnly(queries, inTransaction(scope), command);
}

/** The same where the command is all that the work does: then it may be a statement without a transaction around it. */
export async function executeOnly<C extends Command>(
  queries: Queries,
  given: Scope,
  command: C,
): Promise<Done<Outcome<C>>> {
  // The key and what was done under it are one.
  const scope = 'idempotency' in command && command.idempotency ? inTransaction(given) : given;
  const relation = requireWritable(findRelation(scope.catalog, command.table), command.table);
  const run = () =>
    scope.together ? runInSet(scope.together, relation, command) : runCommand(scope, relation, command);
  const idempotency = 'idempotency' in command ? command.idempotency : undefined;
  const done = idempotency
    ? await once({ queries, engine: scope.catalog.engine }, idempotency, run, answerForms(relation, command))
    : { value: await run(), replayed: false };
  const fixed = done.replayed ? command : fixedCommand(relation, command, done.value);
  return { ...done, fixed } as Done<Outcome<C>>;
}

/** Runs a command that was run elsewhere before, and fixed. @throws as `executeCommand` does */
export async function repeatCommand(queries: Queries, scope: Scope, command: Command): Promise<void> {
  const { replayed } = await executeCommand(queries, scope, command);
  const rows = 'rows' in command ? command.rows : command.kind === 'create' ? [command.values] : [];
  const relation = findRelation(scope.catalog, command.table);
  if (relation && !replayed) await passNumbers(scope, relation, rows);
}

/** The command to keep for later, once it was run here with this outcome. */
export function fixCommand(command: PlainValue, outcome: unknown): PlainValue {
  const fixed: unknown = outcome !== null && typeof outcome === 'object' ? Reflect.get(outcome, 'fixed') : undefined;
  return fixed === undefined ? command : (fixed as PlainValue);
}

function requireWritable(relation: Relation | null, name: string): Relation {
  if (!relation) throw new AppError('not-found', `There is no table "${name}".`);
  if (relation.readOnly === null) return relation;
  throw new AppError('invalid', `${name} cannot be written. ${relation.readOnly}`);
}

/**
 * The name that commands have in common which can be run as one: they differ in their values alone. Undefined for one
 * that has to be alone.
 */
export function setNameOf(command: Command): string | undefined {
  const { kind, table } = command;
  if ('idempotency' in command && command.idempotency) return undefined;
  switch (kind) {
    case 'create':
    case 'createMany':
      return `insert ${table}`;
    case 'upsert': {
      const { columns, resolution, sets, rows } = command;
      const isKeyed = rows.every((row) => conflictKey(columns, row) !== null);
      return isKeyed ? `upsert ${JSON.stringify([table, columns, resolution, sets])}` : undefined;
    }
    case 'update':
    case 'replace':
    case 'delete':
      return `${kind} ${table}`;
    default:
      return undefined;
  }
}

/** Runs the command together with all others of its name, and gives its own outcome. */
function runInSet(together: Together, relation: Relation, command: Command): Promise<Outcome<Command>> {
  return together(command, (scope, commands: readonly Command[]) => runSet(scope, relation, command, commands));
}

function runSet(
  scope: Scope,
  relation: Relation,
  { kind }: Command,
  commands: readonly Command[],
): Promise<readonly PromiseSettledResult<Outcome<Command>>[]> {
  switch (kind) {
    case 'create':
    case 'createMany':
      return insertAll(scope, relation, commands as readonly CommandOf['create' | 'createMany'][]);
    case 'upsert': {
      const all = commands as readonly CommandOf['upsert'][];
      return insertSets(
        scope,
        relation,
        all.map(({ rows }) => rows),
        all[0],
      );
    }
    case 'update':
    case 'replace': {
      const all = commands as readonly CommandOf['update' | 'replace'][];
      return updateRows(
        scope,
        relation,
        all.map((each) => ({ ...each, isWhole: kind === 'replace' })),
      );
    }
    case 'delete':
      return deleteRows(scope, relation, commands as readonly CommandOf['delete'][]);
    default:
      throw new Error(`Commands of the kind ${kind} are not run in sets.`);
  }
}

async function insertAll(
  scope: Scope,
  relation: Relation,
  commands: readonly CommandOf['create' | 'createMany'][],
): Promise<PromiseSettledResult<Row | readonly Row[]>[]> {
  const sets = commands.map((command) => (command.kind === 'create' ? [command.values] : command.rows));
  const outcomes = await insertSets(scope, relation, sets);
  return outcomes.map((outcome, index) =>
    outcome.status === 'fulfilled' && commands[index]?.kind === 'create' ? fulfilled(outcome.value[0]!) : outcome,
  );
}

function runCommand(scope: Scope, relation: Relation, command: Command): Promise<Outcome<Command>> {
  switch (command.kind) {
    case 'create':
      return insertRows(scope, relation, [command.values]).then(([row]) => row!);
    case 'createMany':
      return insertRows(scope, relation, command.rows);
    case 'upsert':
      return insertRows(scope, relation, command.rows, command);
    case 'replace':
    case 'update':
      return updateRow(scope, relation, { ...command, isWhole: command.kind === 'replace' });
    case 'delete':
      return deleteRow(scope, relation, command);
    case 'updateMany':
      return updateMatching(scope, relation, command);
    case 'deleteMany':
      return deleteMatching(scope, relation, command);
  }
}

function fixedCommand(relation: Relation, command: Command, outcome: Outcome<Command>): Command {
  const whole = (row: Row): Row => givenOf(relation, row);
  switch (command.kind) {
    case 'create':
    case 'replace':
      return { ...command, values: whole(outcome as Row) };
    case 'createMany':
      return { ...command, rows: (outcome as readonly Row[]).map(whole) };
    case 'upsert':
      return fixedUpsert(relation, command, (outcome as readonly Row[]).map(whole));
    case 'update': {
      const { updated_at: at } = outcome as Row;
      return at === undefined || !isRenewed(relation)
        ? command
        : { ...command, values: { updated_at: at, ...command.values } };
    }
    case 'updateMany': {
      const { renewed } = outcome as Matched;
      return renewed === null ? command : { ...command, values: { updated_at: renewed, ...command.values } };
    }
    default:
      return command;
  }
}

function isRenewed({ columns }: Relation): boolean {
  return columns.some((column) => column.name === 'updated_at' && column.default !== null && !column.generated);
}

/** Rows that are there later still get no more than what was given. */
function fixedUpsert(relation: Relation, command: CommandOf['upsert'], rows: readonly Row[]): Command {
  if (rows.length < command.rows.length) return command;
  const sets = new Set(command.sets ?? command.rows.flatMap((row) => Object.keys(row)));
  if (isRenewed(relation)) sets.add('updated_at');
  return { ...command, rows, sets: [...sets] };
}

/** What can be given of a row. */
function givenOf({ columns }: Relation, row: Row): Row {
  const names = columns.filter(({ generated }) => !generated).map(({ name }) => name);
  return Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
}

function answerForms(relation: Relation, command: Command): AnswerForms<Outcome<Command>> {
  if (command.kind !== 'createMany') return { keep: (value) => value, restore: (kept) => kept as Outcome<Command> };
  const { rows } = command;
  return {
    keep: (value) => madeOf(relation, rows, value as readonly Row[]),
    restore: (kept) => {
      const { alike, names, values } = kept as MadeRow;
      return rows.map((row, index) => {
        const own = Object.fromEntries(names.map((name, at) => [name, values[index]?.[at] ?? null]));
        const whole: Row = { ...alike, ...own, ...row };
        return Object.fromEntries(relation.columns.map(({ name }) => [name, whole[name] ?? null]));
      });
    },
  };
}

/** What the database made of new rows; the rest is in the command, which is the same when it is sent again. */
type MadeRow = {
  readonly alike: Row;
  readonly names: readonly string[];
  readonly values: readonly (readonly PlainValue[])[];
};

function madeOf({ columns }: Relation, given: readonly Row[], whole: readonly Row[]): MadeRow {
  const [first = {}] = whole;
  const made = columns.map(({ name }) => name).filter((name) => given.some((row) => !Object.hasOwn(row, name)));
  const names = made.filter((name) => whole.some((row) => JSON.stringify(row[name]) !== JSON.stringify(first[name])));
  const alike = made.filter((name) => !names.includes(name)).map((name) => [name, first[name] ?? null] as const);
  const values = whole.map((row) => names.map((name) => row[name] ?? null));
  return { alike: Object.fromEntries(alike), names, values };
}
