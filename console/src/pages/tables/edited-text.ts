/** The text that the editing of a value begins with. */
import type { Catalog, Column, Relation } from '../../api/catalog.ts';
import { runSql, type SqlValue } from '../../api/sql.ts';
import { tell } from '../../ui/toast.tsx';
import type { GridRow } from './grid-rows.ts';
import { isNested } from './nested.ts';
import { isCut, wholeStatement, wholeText } from './statements.ts';

/** As it is edited; undefined where only its beginning is here, or it is shown otherwise. */
export function textAtHand({ addition, edit, values }: GridRow, column: Column): SqlValue | undefined {
  const changed = (addition ?? edit)?.values[column.name];
  if (changed !== undefined && changed !== 'default') return changed.text;
  if (addition) return null;
  const text = values?.[column.name];
  return isCut(column, text ?? null) || (isNested(column.type) && text !== null) ? undefined : text;
}

/** From the database; undefined, and somebody was told, when it cannot be read. */
export async function wholeTextOf(
  engine: Catalog['engine'],
  relation: Relation,
  key: readonly SqlValue[],
  column: Column,
): Promise<SqlValue | undefined> {
  try {
    const { value } = await runSql(wholeStatement(engine, relation, key, [column]));
    return wholeText(engine, column, value.rows[0]?.[0] ?? null);
  } catch (error) {
    tell(`The whole value cannot be read: ${(error as Error).message}`);
    return undefined;
  }
}
