/** The feed only has versions below every running transaction: one that began earlier may commit later. */
import { displayName, relationId, type RelationName } from '../../catalog/catalog.ts';
import type { PlainValue, Row } from '../../values.ts';
import type { ChangePage, ChangeSet, ChangesRequest, TableChange } from '../database.ts';
import { mostRowsOfVersion } from './schema-of-eider.ts';
import type { PostgresTransaction } from './transaction.ts';
import { elementReaderOf, readerOf, type ReadText } from './values.ts';

const mostRowsOfPage = 20_000;

export async function readChanges(transaction: PostgresTransaction, request: ChangesRequest): Promise<ChangePage> {
  const { after, limit } = request;
  const [bounds] = await transaction.rows<{ head: string; oldest: string; schema: string }>(
    `SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS head, dropped::text AS oldest, current_schema() AS schema
    FROM eider.state`,
  );
  const head = Number(bounds?.head) - 1;
  const oldest = Number(bounds?.oldest);
  if (after < oldest || after >= head) return { sets: [], oldest, head };
  const versions = await versionsAfter(transaction, after, head, limit);
  const read = versions.filter(({ rows }) => rows <= mostRowsOfVersion).map(({ version }) => version);
  const defaultSchema = bounds?.schema ?? '';
  const found = (await changesOf(transaction, read)).map((row) => ({ ...row, name: nameOf(row.table, defaultSchema) }));
  const changes = Map.groupBy(found, ({ version }) => version);
  const columns = await columnsOf(transaction, found);
  const sets = versions.map(({ version, at, rows }): ChangeSet => {
    const shown: TableChange[] =
      rows > mostRowsOfVersion ? [{ kind: 'reset' }] : tableChanges(changes.get(version) ?? [], columns, defaultSchema);
    return { version: Number(version), at, changes: shown };
  });
  return { sets, oldest, head };
}

interface VersionFound {
  readonly version: string;
  readonly at: string;
  readonly rows: number;
}

async function versionsAfter(transaction: PostgresTransaction, after: number, head: number, limit: number) {
  const found = await transaction.rows<VersionFound & Row>(
    `SELECT version::text AS version, max(at) AS at, count(*)::int AS rows FROM eider.changes
    WHERE version > $1::xid8 AND version <= $2::xid8 GROUP BY eider.changes.version
    ORDER BY eider.changes.version LIMIT $3`,
    [after, head, limit],
  );
  let rows = 0;
  return found.filter((each, index) => {
    rows += each.rows > mostRowsOfVersion ? 0 : each.rows;
    return index === 0 || rows <= mostRowsOfPage;
  });
}

interface ChangeFound {
  readonly version: string;
  readonly table: string;
  readonly op: 'put' | 'delete' | 'schema';
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/** Each value as it is written in JSON: a number there may have more digits than JavaScript's. */
async function changesOf(
  transaction: PostgresTransaction,
  versions: readonly string[],
): Promise<readonly ChangeFound[]> {
  return transaction.rows<ChangeFound & Row>(
    `SELECT version::text AS version, table_name AS "table", op,
      ARRAY(SELECT key FROM json_each(image)) AS names, ARRAY(SELECT value::text FROM json_each(image)) AS values
    FROM eider.changes WHERE version = ANY ($1::xid8[]) ORDER BY eider.changes.version, ordinal`,
    [versions],
  );
}

interface NamedChange extends ChangeFound {
  readonly name: RelationName;
}

/** An earlier version wrote the name alone, of tables of the default schema. */
function nameOf(table: string, defaultSchema: string): RelationName {
  if (!table.startsWith('[')) return { schema: defaultSchema, name: table };
  const [schema = '', name = ''] = JSON.parse(table) as string[];
  return { schema, name };
}

type Columns = ReadonlyMap<string, ReadonlyMap<string, number>>;

async function columnsOf(transaction: PostgresTransaction, found: readonly NamedChange[]): Promise<Columns> {
  const names = new Map(found.filter(({ op }) => op !== 'schema').map(({ name }) => [relationId(name), name]));
  if (names.size === 0) return new Map();
  const rows = await transaction.rows<RelationName & { column: string; type: string } & Row>(
    `SELECT n.nspname AS schema, c.relname AS name, a.attname AS "column", a.atttypid::text AS type
    FROM unnest($1::text[], $2::text[]) AS wanted (schema, name)
    JOIN pg_namespace n ON n.nspname = wanted.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name
    JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attnum > 0 AND NOT a.attisdropped`,
    [[...names.values()].map(({ schema }) => schema), [...names.values()].map(({ name }) => name)],
  );
  const byTable = Map.groupBy(rows, relationId);
  return new Map(
    [...byTable].map(([table, of]) => [table, new Map(of.map(({ column, type }) => [column, Number(type)]))]),
  );
}

/** Neighbours of one kind and table become one change. */
function tableChanges(found: readonly NamedChange[], columns: Columns, defaultSchema: string): TableChange[] {
  const changes: { kind: TableChange['kind']; table: string; rows: Row[] }[] = [];
  for (const { op, name, names, values } of found) {
    const last = changes.at(-1);
    const table = displayName({ defaultSchema }, name);
    const kind = op === 'schema' && names.includes('reset') ? 'reset' : op;
    const image = imageOf(names, values, columns.get(relationId(name)));
    if (last?.kind === kind && last.table === table) last.rows.push(image);
    else changes.push({ kind, table, rows: [image] });
  }
  return changes.map(({ kind, table, rows }) => {
    if (kind === 'schema' || kind === 'reset') return { kind };
    return kind === 'put' ? { kind, table, rows } : { kind, table, keys: rows };
  });
}

function imageOf(names: readonly string[], values: readonly string[], types?: ReadonlyMap<string, number>): Row {
  return Object.fromEntries(names.map((name, index) => [name, readImage(values[index] ?? 'null', types?.get(name))]));
}

const jsonTypes = [114, 3802];

function readImage(json: string, type = 0): PlainValue {
  if (json === 'null') return null;
  if (jsonTypes.includes(type)) return json;
  const element = elementReaderOf(type);
  if (element) return readItems(parseWithDigits(json), element);
  return readerOf(type)(json.startsWith('"') ? (JSON.parse(json) as string) : json);
}

function parseWithDigits(text: string): PlainValue {
  return JSON.parse(text, (_, value: PlainValue, context?: { source?: string }) =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value,
  ) as PlainValue;
}

function readItems(value: PlainValue, read: ReadText): PlainValue {
  if (Array.isArray(value)) return value.map((item: PlainValue) => readItems(item, read));
  if (value === null) return null;
  return read(typeof value === 'string' ? value : JSON.stringify(value));
}

const batch = 20_000;

/**
 * Drops a batch of changes, and answers how many and whether there may be more. Only whole versions, and only such as
 * all before them are old enough, too: a version is given out when a transaction begins, its changes come later.
 */
export async function dropOldChanges(transaction: PostgresTransaction, retainMs: number) {
  const [row] = await transaction.rows(
    // Before version 15 there is no min() or max() of transaction ids.
    `WITH oldest AS MATERIALIZED (
        SELECT version, at <= clock_timestamp() - $1::bigint * interval '1 millisecond' AS old
        FROM eider.changes ORDER BY version, ordinal LIMIT ${batch}
      ),
      young AS (SELECT version FROM oldest WHERE NOT old ORDER BY version LIMIT 1),
      whole AS (
        SELECT o.version FROM oldest o
        WHERE NOT EXISTS (SELECT FROM young WHERE young.version <= o.version) AND NOT EXISTS (
          SELECT FROM eider.changes c
          WHERE c.version = o.version AND c.at > clock_timestamp() - $1::bigint * interval '1 millisecond'
        )
        ORDER BY o.version DESC LIMIT 1
      ),
      deleted AS (DELETE FROM eider.changes c USING whole WHERE c.version <= whole.version RETURNING 1),
      marked AS (UPDATE eider.state SET dropped = greatest(dropped, whole.version) FROM whole)
    SELECT (SELECT count(*) FROM deleted)::int AS dropped, (SELECT count(*) FROM oldest)::int AS seen`,
    [retainMs],
  );
  const records = Number(row?.['dropped']);
  return { records, mayBeMore: records > 0 && Number(row?.['seen']) === batch };
}
