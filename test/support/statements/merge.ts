/** MERGE, with branches of every kind. */
import type { LiveTable } from './live-schema.ts';
import { assignments, condition, newRows, returning, selectOf } from './rows.ts';
import { anyTable, type Maker, type Making, path, quoted, settable } from './statement.ts';

export const merge: Maker = (making) => {
  const { pick } = making;
  const table = anyTable(making);
  if (!table || settable(table).length === 0) return null;
  const fresh = newRows(table, making);
  const isOwn = fresh.columns.length < settable(table).length || pick.chance(30);
  const source = isOwn ? path(table, pick) : `(${selectOf(fresh)})`;
  const on = (table.key.length > 0 ? table.key : [settable(table)[0]!.name])
    .map((name) => `t.${quoted(name)} = other.${quoted(name)}`)
    .join(' AND ');
  const head = `${pick.of(['', '', 'WITH w AS (SELECT 1) '])}MERGE INTO ${path(table, pick)} AS t USING ${source} AS other ON (${on})`;
  const body = branches(table, making);
  const returns = answer(table, making);
  // DuckDB 1.5 answers, and may crash on, whatever the memory holds there.
  const isMadeUp = body.includes('BY SOURCE THEN UPDATE');
  return { sql: `${head} ${body}${returns}`, ...(isMadeUp ? { isForbidden: true as const } : {}) };
};

function branches(table: LiveTable, making: Making): string {
  const { pick } = making;
  const kept = [
    ...(pick.chance(50) ? [`WHEN MATCHED AND ${condition(table, pick, 'other.')} THEN DELETE`] : []),
    ...(pick.chance(30) ? [`WHEN MATCHED AND ${condition(table, pick, 't.')} THEN DO NOTHING`] : []),
    ...(pick.chance(60) ? [`WHEN MATCHED THEN UPDATE SET ${assignments(table, making, true)}`] : []),
    ...(pick.chance(20) ? [`WHEN NOT MATCHED BY SOURCE AND ${condition(table, pick, 't.')} THEN DELETE`] : []),
    ...(pick.chance(25) ? [`WHEN NOT MATCHED BY SOURCE THEN UPDATE SET ${assignments(table, making, false)}`] : []),
  ];
  return [...kept, ...(kept.length === 0 || pick.chance(70) ? [insertBranch(table, making)] : [])].join(' ');
}

function insertBranch(table: LiveTable, { pick }: Making): string {
  const columns = settable(table).map(({ name }) => quoted(name));
  return `WHEN NOT MATCHED ${pick.of(['', 'BY TARGET '])}THEN INSERT ${pick.of([
    `(${columns.join(', ')}) VALUES (${columns.map((name) => `other.${name}`).join(', ')})`,
    `BY NAME`,
    `(${columns[0]}) VALUES (other.${columns[0]})`,
  ])}`;
}

function answer(table: LiveTable, { pick }: Making): string {
  const name = quoted(pick.of(table.columns).name);
  return pick.of([
    '',
    '',
    returning(table, pick),
    ' RETURNING merge_action, *',
    ` RETURNING merge_action`,
    ` RETURNING 'DELETE' AS merge_action, ${name}`,
    ` RETURNING ${name} AS merge_action`,
  ]);
}
