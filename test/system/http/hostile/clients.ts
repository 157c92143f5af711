/** Hostile clients, one a kind: each sends what once held up an instance. Nothing that they send is too large for a request. */
import { DuckDBInstance } from '@duckdb/node-api';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Send = (
  method: string,
  path: string,
  sending?: { readonly json?: unknown; readonly body?: string | Uint8Array<ArrayBuffer>; readonly type?: string },
) => Promise<number>;

export type Hostile = (send: Send) => Promise<readonly number[]>;

const all = (count: number, shot: (index: number) => Promise<number>): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => shot(index)));

const filters = (count: number, filter: string): string => Array.from({ length: count }, () => filter).join('&');
const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);

/** One row, a list of structs that are nested as deep as this. */
async function unfolding(
  folder: string,
  column: string,
  items: number,
  depth: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const path = join(folder, `${column}-${items}.parquet`);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const struct = `${"{'a': ".repeat(depth)}1${'}'.repeat(depth)}`;
  await connection.run(
    `COPY (SELECT 1 AS id, list(s) AS ${column} FROM (SELECT ${struct} AS s FROM range(${items}))) TO '${path}' (COMPRESSION zstd)`,
  );
  connection.closeSync();
  instance.closeSync();
  return new Uint8Array(readFileSync(path));
}

export function hostileClients(folder: string): Readonly<Record<string, Hostile>> {
  const importing = (send: Send, type: string, body: string | Uint8Array<ArrayBuffer>, table = 'notes') =>
    send('POST', `/api/import?table=${table}`, { type, body });
  const parquet = 'application/vnd.apache.parquet';
  return {
    'lists with many patterns': (send) =>
      all(5, () => send('GET', `/api/notes?${filters(95, 'body=not.like.*e*e*~')}`)),
    'lists with patterns of many stars': (send) =>
      all(3, () => send('GET', `/api/notes?${filters(10, `body=like.${'*a'.repeat(200)}*b`)}`)),
    'updates with patterns': (send) =>
      all(3, () => send('PATCH', `/api/notes?${filters(3, 'body=like.*a*a*b')}`, { json: { body: 'x' } })),
    'regular expressions': (send) =>
      all(3, (at) =>
        send(
          'GET',
          `/api/rest/v1/notes?${filters(20, `body=${at === 0 ? 'imatch.(a*)*b' : 'match.(.{1,200}){1,20}'}`)}`,
        ),
      ),
    'alternatives of patterns': (send) =>
      all(3, () => send('GET', `/api/rest/v1/notes?body=like(any).{${filters(200, '*a*a*b').replaceAll('&', ',')}}`)),
    'queries that do not end': (send) =>
      all(2, () =>
        send('POST', '/api/sql', {
          json: { query: 'SELECT count(*) FROM notes a, notes b, notes c WHERE a.body < b.body || c.body' },
        }),
      ),
    'queries that take memory': (send) =>
      all(2, () =>
        send('POST', '/api/sql', { json: { query: 'SELECT length(repeat(repeat(body, 1000), 1000000)) FROM notes' } }),
      ),
    'statements that could not be ended': (send) =>
      Promise.all([
        send('POST', '/api/sql', { json: { query: "DELETE FROM notes WHERE body LIKE '%a_%a_b'" } }),
        send('POST', '/api/sql', { json: { query: 'UPDATE notes SET body = repeat(body, 1000000)' } }),
        send('POST', '/api/sql', {
          json: { query: "INSERT INTO notes SELECT i + 1000000, 'x' FROM range(3000000) t(i)" },
        }),
      ]),
    'deep SQL': (send) =>
      Promise.all(
        [
          `SELECT ${'1+'.repeat(10_000)}1`,
          `SELECT ${nested(40_000, '(', ')')}`,
          `DELETE FROM notes WHERE id = ${'1+'.repeat(40_000)}1`,
        ].map((query) => send('POST', '/api/sql', { json: { query } })),
      ),
    'deep JSON': (send) =>
      all(3, () => send('POST', '/api/notes', { type: 'application/json', body: nested(400_000, '[', ']') })),
    'bodies of many fields': (send) =>
      all(3, () =>
        send('POST', '/api/notes', {
          type: 'application/json',
          body: `{${Array.from({ length: 60_000 }, (_, at) => `"f${at}":1`).join(',')}}`,
        }),
      ),
    'bodies of many rows': (send) =>
      all(3, () => send('POST', '/api/notes', { type: 'application/json', body: `[${'{"x":1},'.repeat(100_000)}{}]` })),
    'cells of many digits': (send) =>
      importing(send, 'text/csv', `id,body\n${'9'.repeat(900_000)},x\n`).then((status) => [status]),
    'headers of many names': (send) =>
      importing(send, 'text/csv', `${Array.from({ length: 400_000 }, (_, at) => `n${at}`).join(',')}\n1,2\n`).then(
        (status) => [status],
      ),
    'lines of many fields': (send) =>
      importing(
        send,
        'application/jsonl',
        `{${Array.from({ length: 90_000 }, (_, at) => `"f${at}":1`).join(',')}}\n`.repeat(4),
      ).then((status) => [status]),
    'Parquet that unfolds into a text': async (send) => [
      await importing(send, parquet, await unfolding(folder, 'body', 1_000_000, 20)),
    ],
    'Parquet that unfolds into JSON': async (send) => [
      await importing(send, parquet, await unfolding(folder, 'data', 1_000_000, 20), 'papers'),
    ],
  };
}
