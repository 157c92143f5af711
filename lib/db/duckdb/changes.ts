/** A record of the log as an entry of the change feed. */
import { type Change, changedRows, type LogRecord } from '../../sync/record.ts';
import type { ChangeSet, TableChange } from '../database.ts';

export function changeSetOf({ version, time, changes }: LogRecord): ChangeSet {
  const shown = changes.flatMap(tableChanges);
  // A migration is many statements, of which one word is enough.
  const isRepeated = (change: TableChange, index: number): boolean =>
    change.kind === 'schema' && shown[index - 1]?.kind === 'schema';
  return { version, at: time, changes: shown.filter((change, index) => !isRepeated(change, index)) };
}

function tableChanges(change: Change): TableChange[] {
  if ('bulk' in change) return [{ kind: 'reset' }];
  if ('ddl' in change) return [{ kind: 'schema' }];
  if ('sequence' in change || change.schema === 'eider') return [];
  const table = change.schema === undefined ? change.table : `${change.schema}.${change.table}`;
  const rows = changedRows(change);
  return ['put' in change || 'add' in change ? { kind: 'put', table, rows } : { kind: 'delete', table, keys: rows }];
}
