/** A result as a file: what is on the screen, not asked for again, except as Parquet. */
import { download, saveFile } from '../../api/download.ts';
import { kindOfOid, type SqlResult, type SqlValue } from '../../api/sql.ts';

/** NULL is an empty field and the empty text `""`, as in the files of /api/export. */
export function saveCsv({ fields, rows }: SqlResult, name: string): void {
  const lines = [fields.map((field) => field.name), ...rows].map((row) => row.map(csvField).join(','));
  saveFile(`${name}.csv`, new Blob([`${lines.join('\r\n')}\r\n`], { type: 'text/csv' }));
}

function csvField(value: SqlValue): string {
  if (value === null) return '';
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Numbers keep all their digits. */
export function saveJson({ fields, rows }: SqlResult, name: string): void {
  const lines = rows.map((row) => {
    const members = fields.map(
      (field, index) => `${JSON.stringify(field.name)}:${jsonValue(row[index] ?? null, field.dataTypeID)}`,
    );
    return `{${members.join(',')}}\n`;
  });
  saveFile(`${name}.jsonl`, new Blob(lines, { type: 'application/jsonl' }));
}

function jsonValue(value: SqlValue, oid: number): string {
  if (value === null) return 'null';
  const kind = kindOfOid(oid);
  if (kind === 'number' && /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value)) return value;
  if (kind === 'boolean') return value.startsWith('t') ? 'true' : 'false';
  return kind === 'json' && isJson(value) ? value : JSON.stringify(value);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The server runs the statement once more. */
export function saveParquet(query: string, name: string): Promise<void> {
  return download('sql', `${name}.parquet`, {
    method: 'POST',
    headers: { accept: 'application/vnd.apache.parquet', 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
}
