/** Requests whose patterns, nesting, widths, lengths and counts grow: small to send, and once long to answer. */
import * as fc from 'fast-check';

export interface HostileShot {
  readonly method: string;
  readonly path: string;
  readonly type: string | null;
  readonly body: string | null;
}

const json = 'application/json';
const get = (path: string): HostileShot => ({ method: 'GET', path, type: null, body: null });
const post = (path: string, type: string, body: string): HostileShot => ({ method: 'POST', path, type, body });
const sql = (query: string, params: readonly unknown[] = []): HostileShot =>
  post('/api/sql', json, JSON.stringify({ query, params }));
const encode = encodeURIComponent;

/** Small ones and large ones alike. */
const sizes = (most: number): fc.Arbitrary<number> =>
  fc.double({ min: 0, max: Math.log2(most), noNaN: true }).map((power) => Math.round(2 ** power));

const pieces = (texts: readonly string[], most: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: most }).map((all) => all.join(''));
const likes = pieces(['*', '*', '_', 'a', 'aa', 'b', '\\', '%'], 60);
const expressions = pieces(
  ['(a*)*', '(a|aa)+', '[a-z]{1,50}', '.*', 'b$', '(.{1,30}){1,30}', '^', '\\pL+', '(', '|'],
  12,
);

const patterns = fc.oneof(
  fc
    .tuple(fc.constantFrom('like', 'ilike', 'not.like', 'not.ilike'), likes, sizes(90))
    .map(([operator, like, count]) =>
      get(
        `/api/notes?${Array.from({ length: count }, () => `body=${operator}.${encode(like)}`).join('&')}`.slice(
          0,
          14_000,
        ),
      ),
    ),
  fc
    .tuple(fc.constantFrom('match', 'imatch', 'like(any)', 'ilike(all)'), fc.oneof(likes, expressions), sizes(40))
    .map(([operator, text, count]) => {
      const value = operator.includes('(') ? `{${Array.from({ length: count }, () => `"${text}"`).join(',')}}` : text;
      return get(`/api/rest/v1/notes?body=${encode(`${operator}.${value}`)}`.slice(0, 14_000));
    }),
  fc
    .tuple(fc.constantFrom('LIKE', 'ILIKE', 'NOT LIKE', 'GLOB', 'SIMILAR TO', '~'), fc.oneof(likes, expressions))
    .map(([operator, text]) =>
      sql(`DELETE FROM notes WHERE id < 0 OR body ${operator} $1`, [text.replaceAll('*', '%')]),
    ),
);

const brackets = fc.constantFrom(
  (depth: number) => post('/api/notes', json, '['.repeat(depth) + ']'.repeat(depth)),
  (depth: number) => post('/api/notes', json, `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
  (depth: number) => sql(`SELECT ${'('.repeat(depth)}1${')'.repeat(depth)}`),
  (depth: number) => sql(`SELECT ${'1+'.repeat(depth)}1`),
  (depth: number) => sql(`SELECT ${'NOT '.repeat(depth)}true`),
  (depth: number) => sql(`SELECT ${'['.repeat(depth)}${']'.repeat(depth)}`),
  (depth: number) => sql(`${'SELECT (SELECT '.repeat(Math.min(depth, 500))}1${')'.repeat(Math.min(depth, 500))}`),
  (depth: number) => sql(`UPDATE notes SET body = ${'lower('.repeat(depth)}body${')'.repeat(depth)} WHERE id < 0`),
  (depth: number) => sql(`DELETE FROM notes WHERE id < 0 AND ${'(id = 1 OR '.repeat(depth)}false${')'.repeat(depth)}`),
  (depth: number) => get(`/api/rest/v1/notes?or=${'(and('.repeat(depth)}id.eq.1${'))'.repeat(depth)}`.slice(0, 14_000)),
  (depth: number) => get(`/api/rest/v1/notes?select=${'body->'.repeat(depth)}a`.slice(0, 14_000)),
  (depth: number) =>
    post('/api/import?table=papers', 'application/jsonl', `{"id":1,"data":${'['.repeat(depth)}${']'.repeat(depth)}}`),
);
const nesting = fc.tuple(brackets, sizes(50_000)).map(([shot, depth]) => shot(depth));

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `n${at}`);
const wide = fc.constantFrom(
  (count: number) =>
    post('/api/notes', json, JSON.stringify(Object.fromEntries(names(count).map((name) => [name, 1])))),
  (count: number) =>
    post('/api/rest/v1/notes', json, JSON.stringify(Object.fromEntries(names(count).map((name) => [name, 1])))),
  (count: number) => post('/api/import?table=notes', 'text/csv', `${names(count).join(',')}\n1\n`),
  (count: number) => post('/api/import?table=notes', 'text/csv', `id,body\n${','.repeat(count)}\n`),
  (count: number) => post('/api/rest/v1/notes', 'text/csv', `${names(count).join(',')}\n1\n`),
  (count: number) =>
    sql(
      `SELECT ${names(count)
        .map((name) => `1 AS ${name}`)
        .join(',')}`,
    ),
  (count: number) => sql(`INSERT INTO notes (${names(count).join(',')}) VALUES (1)`),
  (count: number) => get(`/api/rest/v1/notes?select=${names(count).join(',')}`.slice(0, 14_000)),
);
const widths = fc.tuple(wide, sizes(60_000)).map(([shot, count]) => shot(count));

const long = fc.constantFrom(
  (text: string) => post('/api/notes', json, JSON.stringify({ id: text, body: text })),
  (text: string) => post('/api/notes', json, `{"id":${text}}`),
  (text: string) => post('/api/import?table=notes', 'text/csv', `id,body\n${text},x\n`),
  (text: string) => post('/api/import?table=notes', 'text/csv', `id,body\n-1,"${text}`),
  (text: string) => post('/api/import?table=notes', 'application/jsonl', `{"id":"${text}"}`),
  (text: string) => post('/api/rest/v1/notes', 'text/csv', `id,body\n${text},x\n`),
  (text: string) => sql(`SELECT '${text}'`),
  (text: string) => sql(`SELECT ${text}`),
  (text: string) => sql(`DELETE FROM notes WHERE body = $1`, [text]),
  (text: string) => get(`/api/notes?id=eq.${encode(text)}`.slice(0, 14_000)),
  (text: string) => get(`/api/rest/v1/notes?id=in.(${encode(text)})`.slice(0, 14_000)),
);
const lengths = fc
  .tuple(
    long,
    fc.constantFrom('9', '0', '.', '-', ' ', 'a', '"', '\\', "'", ',', '{', '\t', '/*', '--', '$'),
    sizes(400_000),
  )
  .map(([shot, unit, length]) => shot(unit.repeat(length)));

const many = fc.constantFrom(
  (count: number) => post('/api/notes', json, `[${Array.from({ length: count }, () => '{"id":"x"}').join(',')}]`),
  (count: number) => post('/api/import?table=notes', 'text/csv', `id,body\n${'x,y\n'.repeat(count)}`),
  (count: number) => post('/api/import?table=notes', 'application/jsonl', '{"z":1}\n'.repeat(count)),
  (count: number) =>
    post('/api/sql', json, JSON.stringify({ queries: Array.from({ length: count }, () => ({ query: 'SELECT 1' })) })),
  (count: number) =>
    sql(
      'SELECT $1',
      Array.from({ length: count }, () => 1),
    ),
  (count: number) =>
    sql(
      `SELECT ${Array.from({ length: count }, (_, at) => `$${at + 1}`).join(',')}`,
      Array.from({ length: count }, () => 1),
    ),
  (count: number) => sql(`INSERT INTO notes VALUES ${Array.from({ length: count }, () => '(NULL, NULL)').join(',')}`),
  (count: number) => sql('SELECT 1;'.repeat(count)),
  (count: number) => get(`/api/notes?id=in.(${Array.from({ length: count }, () => 1).join(',')})`.slice(0, 14_000)),
  (count: number) => get(`/api/notes?${'id=gt.1&'.repeat(count)}`.slice(0, 14_000)),
);
const counts = fc.tuple(many, sizes(60_000)).map(([shot, count]) => shot(count));

export const hostileShots = { patterns, nesting, widths, lengths, counts } as const;
