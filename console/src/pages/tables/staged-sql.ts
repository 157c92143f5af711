/** What is staged as the statements that would do the same. */
import { type Catalog, isKeyless, type Relation, sqlName } from '../../api/catalog.ts';
import { quoteName, quoteText, type SqlValue } from '../../api/sql.ts';
import type { Stage, Value } from './staged.ts';
import { wholeRowSql } from './whole-row.ts';

export function stagedSql({ engine }: Catalog, relation: Relation, stage: Stage): string {
  const table = sqlName(relation);
  const text = (value: SqlValue): string => (value === null ? 'NULL' : quoteText(value));
  const literal = (value: Value): string => (value === 'default' ? 'DEFAULT' : text(value.text));
  const { edits, additions } = stage.store.get();
  const inserts = additions.map(({ values }) => {
    const given = Object.entries(values).filter(([, value]) => value !== 'default');
    if (given.length === 0) return `INSERT INTO ${table} DEFAULT VALUES;`;
    return `INSERT INTO ${table} (${given.map(([name]) => quoteName(name)).join(', ')}) VALUES (${given.map(([, value]) => literal(value)).join(', ')});`;
  });
  const changes = Object.values(edits).map(({ key, values, isRemoved }) => {
    if (isKeyless(relation)) return `${wholeRowSql(engine, relation, key[0] ?? '', isRemoved ? 'remove' : values)};`;
    const where = relation.key.map((name, index) => `${quoteName(name)} = ${text(key[index] ?? null)}`).join(' AND ');
    if (isRemoved) return `DELETE FROM ${table} WHERE ${where};`;
    const set = Object.entries(values).map(([name, value]) => `${quoteName(name)} = ${literal(value)}`);
    return `UPDATE ${table} SET ${set.join(', ')} WHERE ${where};`;
  });
  return [...inserts, ...changes].join('\n');
}
