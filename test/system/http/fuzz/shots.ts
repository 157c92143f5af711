/**
 * Requests of all kinds, from those that fit to those that nobody would send: what the fuzz sends.
 *
 * They are made before the rows that they may be about: `§students:3§` stands for the id of the fourth student that there
 * is when the request goes out, `§cursor§` for the last cursor that was answered, `§etag§` for the last tag.
 */
import * as fc from 'fast-check';

export interface Shot {
  readonly method: string;
  /** As it goes out: printable ASCII. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
}

/** In values of rows, filters, keys and queries; must never be in a log. */
export const canary = 'zqCanary7';

const tableColumns = {
  students: ['id', 'name', 'email', 'created_at', 'updated_at'],
  courses: ['id', 'code', 'title', 'credits', 'created_at', 'updated_at'],
  enrollments: ['id', 'student_id', 'course_id', 'term', 'status', 'grade', 'created_at', 'updated_at'],
} as const;
const tableNames = Object.keys(tableColumns) as (keyof typeof tableColumns)[];

/** Texts that have broken something somewhere. */
const nasty = [
  '',
  ' ',
  '\0',
  'null',
  '__proto__',
  'constructor',
  '-0',
  '1e400',
  '9007199254740993',
  '١٢٣',
  'İı',
  'ﬀ\u200d\u202e',
  '\u{1F600}'.repeat(3),
  "'; DROP TABLE students; --",
  '%',
  '%_*\\',
  '"',
  '../../etc/passwd',
  '\r\nx-injected: 1',
  '${jndi:ldap://x}',
  '2026-13-45T99:99:99Z',
  '+272760-09-13T00:00:00Z',
  'x'.repeat(300),
  canary,
];
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...nasty) },
  { weight: 2, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
);
const encoded = text.map((value) => encodeURIComponent(value.toWellFormed()));
/** What no encoder would make. */
const rawSegment = fc.constantFrom(
  '%',
  '%zz',
  '%00',
  '%2F',
  '%252e',
  '%2e%2e',
  '..;',
  '%c0%af',
  '%ff',
  'a%',
  '~',
  '*',
  '(a)',
);

const reference = fc.tuple(fc.constantFrom(...tableNames), fc.nat(40)).map(([table, index]) => `§${table}:${index}§`);
const anyId = fc.oneof(
  { weight: 6, arbitrary: reference },
  { weight: 1, arbitrary: fc.uuid() },
  { weight: 1, arbitrary: fc.uuid().map((id) => id.toUpperCase()) },
  { weight: 1, arbitrary: fc.oneof(encoded, rawSegment) },
);

// Query parameters

const literal = fc.oneof(
  text,
  reference,
  fc.integer().map(String),
  fc.double().map(String),
  fc.date({ noInvalidDate: false }).map((date) => (Number.isNaN(date.valueOf()) ? 'x' : date.toISOString())),
  fc.constantFrom('enrolled', 'completed', '2026-01-01T00:00:00Z'),
);
const filterValue = fc
  .tuple(
    fc.constantFrom('', '', 'not.', 'not.not.'),
    fc.oneof(
      fc
        .tuple(fc.constantFrom('eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'like', 'ilike', 'xx', ''), literal)
        .map((parts) => parts.join('.')),
      fc.array(literal, { maxLength: 5 }).map((values) => `in.(${values.join(',')})`),
      fc.constantFrom(
        'in.()',
        'in.(',
        'in.("a',
        'in.("a",)',
        'is.null',
        'is.not_null',
        'is.true',
        'like.***',
        'ilike.*a*b*c*d*',
      ),
    ),
  )
  .map((parts) => parts.join(''));
const columnName = fc.constantFrom(...new Set(Object.values(tableColumns).flat()));
const direction = fc.constantFrom('', '.asc', '.desc', '.desc.nullslast', '.asc.nullsfirst', '.up', '.desc.');
const list = (item: fc.Arbitrary<string>) => fc.array(item, { maxLength: 4 }).map((items) => items.join(','));

const parameter: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(columnName, filterValue) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constant('order'), list(fc.tuple(columnName, direction).map((parts) => parts.join('')))),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant('select'), fc.oneof(list(columnName), fc.constant('*'), text)) },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constant('limit'),
      fc.oneof(fc.constantFrom('1', '2', '500', '501', '0', '-1', '1e3'), text),
    ),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant('cursor'), fc.oneof(fc.constant('§cursor§'), fc.base64String(), text)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('count'), fc.constantFrom('exact', 'EXACT', '')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('after'), fc.oneof(fc.nat(50).map(String), text)) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constantFrom('table', 'format', 'id', 'x-vercel-protection-bypass', 'atomic'),
      fc.oneof(fc.constantFrom(...tableNames, 'csv', 'parquet', 'jsonl'), text),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(text, text) },
);
const query = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  {
    weight: 8,
    arbitrary: fc
      .array(parameter, { maxLength: 4 })
      .map((all) => `?${all.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '?',
      '?&&',
      '?=',
      '?%',
      '?limit',
      '?limit=%zz',
      '?a=b=c',
      '??',
      `?name=eq.${'y'.repeat(16_000)}`,
      `?${'a=b&'.repeat(120)}`,
    ),
  },
);

/** Leaves the marks of what is put in later. */
function encode(value: string): string {
  return value
    .toWellFormed()
    .split(/(§[a-z:0-9]+§)/)
    .map((part, index) => (index % 2 === 1 ? part : encodeURIComponent(part)))
    .join('');
}

// Bodies

const email = fc.oneof(
  { weight: 4, arbitrary: fc.uuid().map((id) => `${id.slice(0, 12)}@${canary}.example.org`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('same@example.org', 'SAME@example.org ', 'a@b', `${'x'.repeat(400)}@example.org`),
  },
  { weight: 1, arbitrary: text },
);
const rows: Readonly<Record<keyof typeof tableColumns, fc.Arbitrary<object>>> = {
  students: fc.record({ name: fc.oneof(fc.constant(`Ada ${canary}`), text), email }),
  courses: fc.record(
    {
      code: fc.oneof(
        fc.uuid().map((id) => id.slice(0, 12)),
        text,
      ),
      title: text,
      credits: fc.oneof(fc.integer({ min: -2, max: 32 }), fc.double(), fc.jsonValue()),
    },
    { requiredKeys: [] },
  ),
  enrollments: fc.record(
    {
      student_id: fc.oneof(
        { weight: 5, arbitrary: fc.nat(40).map((index) => `§students:${index}§`) },
        { weight: 1, arbitrary: anyId },
      ),
      course_id: fc.oneof(
        { weight: 5, arbitrary: fc.nat(40).map((index) => `§courses:${index}§`) },
        { weight: 1, arbitrary: anyId },
      ),
      term: fc.constantFrom('2026-1', '2026-2', '', 'x'.repeat(100)),
      status: fc.constantFrom('enrolled', 'completed', 'withdrawn', 'gone', null),
      grade: fc.constantFrom(null, 'A', 1.5, 'x'.repeat(50)),
    },
    { requiredKeys: ['student_id', 'course_id'] },
  ),
};
const anyRow = fc.constantFrom(...tableNames).chain((table) => rows[table]);
const oddRow = fc
  .tuple(anyRow, fc.dictionary(fc.oneof(columnName, text), fc.oneof(fc.jsonValue(), text, anyId), { maxKeys: 3 }))
  .map((parts) => Object.assign({}, ...parts) as object);
const jsonText = fc.oneof(
  { weight: 8, arbitrary: anyRow.map((row) => JSON.stringify(row)) },
  { weight: 3, arbitrary: oddRow.map((row) => JSON.stringify(row)) },
  { weight: 2, arbitrary: fc.array(anyRow, { maxLength: 4 }).map((all) => JSON.stringify(all)) },
  { weight: 1, arbitrary: fc.json() },
);
const brokenText = fc
  .tuple(jsonText, fc.nat(), fc.constantFrom('', ',', '"', '{', ']', '\\', '\0', '\u2028', '1'))
  .map(
    ([whole, at, insert]) =>
      whole.slice(0, at % (whole.length + 1)) + insert + whole.slice((at % (whole.length + 1)) + 1),
  );
const body: fc.Arbitrary<string | Uint8Array<ArrayBuffer> | null> = fc.oneof(
  { weight: 20, arbitrary: jsonText },
  { weight: 4, arbitrary: brokenText },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constant(null) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      ' ',
      '{',
      '['.repeat(50_000),
      '{"a":'.repeat(40),
      '{"name":1,"name":2}',
      '\ufeff{}',
      '1e999',
      '"\\ud800"',
    ),
  },
);

/** Texts of queries, most of which are to be refused; none takes long. What escapes and what explodes has suites of its own. */
const knownSql = fc.constantFrom(
  'SELECT 1',
  'SELECT * FROM students ORDER BY id',
  'SELECT count(*) AS n FROM enrollments JOIN courses ON course_id = courses.id',
  'SELECT $1, $2',
  "SELECT 170141183460469231731687303715884105727::HUGEINT, 1.5::DECIMAL(38,10), [1,2], {a: 1}, NULL, DATE '2026-01-01', '\\xAA'::BLOB",
  'WITH x AS (SELECT 1 AS a) SELECT * FROM x',
  'VALUES (1), (2)',
  'SELECT 1 AS a, 2 AS a',
  "SELECT error('x')",
  'SELECT 1/0, sqrt(-1)',
  "SELECT 'NaN'::DOUBLE, 'inf'::DOUBLE",
  "SELECT CAST('x' AS INTEGER)",
  'SELECT nope FROM students',
  'SELECT * FROM nope',
  'DROP TABLE students',
  'DELETE FROM students',
  "UPDATE students SET name = 'x'",
  'INSERT INTO courses VALUES (1)',
  `INSERT INTO courses (code, title, credits) VALUES ($1, $2, 1) RETURNING *`,
  `INSERT INTO courses (code, title) SELECT name, email FROM students ON CONFLICT DO NOTHING`,
  `UPDATE courses SET credits = credits + $1 WHERE code = any($2)`,
  `DELETE FROM courses USING students WHERE title = name`,
  `MERGE INTO courses USING (SELECT 'x' AS k) s ON code = s.k WHEN MATCHED THEN DELETE`,
  'TRUNCATE enrollments',
  'CREATE TABLE made AS SELECT * FROM students',
  'CREATE VIEW seen AS SELECT $1',
  'DROP VIEW IF EXISTS seen',
  'DROP TABLE made',
  'ALTER TABLE made ADD COLUMN z INTEGER DEFAULT 1',
  'SELECT json_agg(json_build_array(name)) FROM students LIMIT $1',
  'INSERT INTO',
  'UPDATE courses SET',
  'MERGE INTO courses USING students ON WHEN',
  'SELECT 1; SELECT 2',
  "ATTACH ':memory:' AS x",
  "SET memory_limit = '1GB'",
  'PRAGMA database_list',
  "COPY students TO '/tmp/x'",
  "SELECT * FROM read_csv('/etc/passwd')",
  'BEGIN',
  ';',
  '--',
  `SELECT '${canary}'`,
);
const sql = fc.oneof(
  { weight: 5, arbitrary: knownSql },
  text,
  text.map((value) => `SELECT ${value}`),
);
const tokens = {
  admin: 'admin-token-of-some-length',
  api: 'api-token-of-some-length',
  cron: 'cron-secret-of-some-length',
};
export const tokensOfFuzz = tokens;
/** As many as it has. */
const paramsOf = (statement: string): string[] => [...new Set(statement.match(/\$\d/g) ?? [])].map(String);
const sqlStatement = fc.record(
  {
    query: sql,
    params: fc.oneof(
      fc.array(fc.oneof(fc.integer(), text, fc.constant(null), fc.array(text, { maxLength: 2 })), { maxLength: 2 }),
      fc.dictionary(text, fc.integer(), { maxKeys: 2 }),
      fc.jsonValue(),
    ),
    arrayMode: fc.oneof({ weight: 9, arbitrary: fc.boolean() }, { weight: 1, arbitrary: fc.constantFrom('x', null) }),
  },
  { requiredKeys: ['query'] },
);
const sqlBody = fc.oneof(
  { weight: 6, arbitrary: knownSql.map((known) => JSON.stringify({ query: known, params: paramsOf(known) })) },
  { weight: 3, arbitrary: sqlStatement.map((value) => JSON.stringify(value)) },
  { weight: 2, arbitrary: fc.array(sqlStatement, { maxLength: 4 }).map((queries) => JSON.stringify({ queries })) },
  { weight: 1, arbitrary: body },
);
const mostly = (usual: string, ...others: readonly string[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
/** Of Neon's driver, mostly as it sends them. */
const ofDriver = fc.record(
  {
    'neon-raw-text-output': mostly('true', 'false', 'x'),
    'neon-array-mode': mostly('true', 'false', 'x'),
    'neon-batch-isolation-level': mostly('Serializable', 'ReadCommitted', 'x'),
    'neon-batch-read-only': mostly('false', 'true', 'x'),
    'neon-connection-string': fc.constantFrom('postgresql://a:b@c/d', 'x', `postgresql://a:${tokens.api}@c/d`),
  },
  { requiredKeys: [] },
);
const importBody = fc.oneof(
  fc.array(anyRow, { maxLength: 5 }).map((all) => all.map((row) => `${JSON.stringify(row)}\n`).join('')),
  fc
    .array(fc.tuple(text, email), { maxLength: 5 })
    .map(
      (all) => `name,email\n${all.map(([name, address]) => `"${name.replaceAll('"', '""')}",${address}\n`).join('')}`,
    ),
  body,
);

// Headers

const authorization = fc.oneof(
  { weight: 30, arbitrary: fc.constant(`Bearer ${tokens.admin}`) },
  { weight: 6, arbitrary: fc.constant(`Bearer ${tokens.api}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      `bearer  ${tokens.api}`,
      `Bearer ${tokens.cron}`,
      'Bearer',
      'Bearer x',
      'Basic YTpi',
      `Bearer ${tokens.admin},x`,
      'Bearer ' + 'x'.repeat(9000),
    ),
  },
);
const oddHeader: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  fc.tuple(
    fc.constant('accept'),
    fc.constantFrom(
      '*/*',
      'application/json',
      'text/csv',
      'text/html',
      'text/event-stream',
      'application/problem+json',
      'application/vnd.apache.parquet',
      'application/vnd.apache.arrow.stream',
      'x',
      ';q=',
      'text/*;q=0, */*;q=0.1',
    ),
  ),
  fc.tuple(
    fc.constant('content-type'),
    fc.constantFrom(
      'text/plain',
      'application/merge-patch+json',
      'application/json; charset=utf-16',
      'text/csv',
      'application/x-ndjson',
      'application/vnd.apache.parquet',
      'multipart/form-data; boundary=x',
      ';',
    ),
  ),
  fc.tuple(fc.constant('content-encoding'), fc.constantFrom('gzip', 'identity', 'br, gzip')),
  fc.tuple(fc.constant('db-bookmark'), fc.constantFrom('0', '1', '2', '999999999', '-1', 'x', '1'.repeat(20))),
  fc.tuple(
    fc.constant('idempotency-key'),
    fc.oneof(fc.constantFrom('"a"', 'b', '""', '"', 'x'.repeat(300)), fc.uuid()),
  ),
  fc.tuple(
    fc.constantFrom('if-match', 'if-none-match'),
    fc.constantFrom('*', '§etag§', 'W/§etag§', '"x"', '"x", "y"', '"', 'x', '"a"b'),
  ),
  fc.tuple(fc.constant('origin'), fc.constantFrom('https://app.example.com', 'https://evil.example', 'null', '')),
  fc.tuple(fc.constant('last-event-id'), fc.constantFrom('1', '0', 'x', '999999999')),
  fc.tuple(
    fc.constantFrom('x-forwarded-for', 'x-forwarded-host', 'x-http-method-override', 'x-vercel-id', 'range', 'prefer'),
    fc.constantFrom('127.0.0.1', 'DELETE', 'bytes=0-1', '\u00e9', 'a\tb', 'return=minimal'),
  ),
  fc.tuple(fc.constant('x-large'), fc.constantFrom('x'.repeat(7000), 'x')),
);
const headers = (type: fc.Arbitrary<string | null>) =>
  fc
    .tuple(
      authorization,
      type,
      fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(oddHeader, { maxLength: 3 }) },
      ),
    )
    .map(([token, contentType, odd]) => ({
      ...(token === '' ? {} : { authorization: token }),
      ...(contentType === null ? {} : { 'content-type': contentType }),
      ...Object.fromEntries(odd),
    }));

// Requests

const writesAndReads = fc.constantFrom('GET', 'GET', 'POST', 'POST', 'PATCH', 'PUT', 'DELETE');
const anyMethod = fc.oneof(
  { weight: 12, arbitrary: writesAndReads },
  { weight: 1, arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'PURGE', 'PROPFIND', 'get') },
);
const tableName = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...tableNames) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.constantFrom('Students', 'eider_state', 'duckdb_tables', 'nope', 'students.ts'),
      encoded,
      rawSegment,
    ),
  },
);
const json = fc.constant('application/json');

const shotOf = (parts: {
  method: fc.Arbitrary<string>;
  path: fc.Arbitrary<string>;
  headers: fc.Arbitrary<Record<string, string>>;
  body: fc.Arbitrary<Shot['body']>;
}) =>
  fc.record(parts).map((shot): Shot => ({ ...shot, body: ['GET', 'HEAD'].includes(shot.method) ? null : shot.body }));

/** A row that fits, where it belongs: so that not all is refused. */
const good = fc.constantFrom(...tableNames).chain((table) =>
  shotOf({
    method: fc.constant('POST'),
    path: fc.constant(`/api/${table}`),
    headers: headers(json),
    body: fc.oneof(
      { weight: 3, arbitrary: rows[table].map((row) => JSON.stringify(row)) },
      { weight: 1, arbitrary: fc.array(rows[table], { minLength: 1, maxLength: 3 }).map((all) => JSON.stringify(all)) },
    ),
  }),
);
/** The same, but for one thing that has to spoil it. */
const spoiled = fc
  .tuple(
    good,
    fc.constantFrom<Shot['headers']>(
      { accept: 'text/html' },
      { 'content-type': 'text/plain' },
      { 'content-encoding': 'gzip' },
      { 'if-match': '"x"' },
      { 'idempotency-key': '""' },
      { 'db-bookmark': 'x' },
      { authorization: 'Bearer a-token-of-nobody' },
      { authorization: `Bearer ${tokens.cron}` },
      { 'x-large': 'x'.repeat(40_000) },
    ),
  )
  .map(([shot, header]): Shot => ({ ...shot, headers: { ...shot.headers, ...header } }));
const onTable = shotOf({
  method: anyMethod,
  path: fc.tuple(tableName, query).map(([name, search]) => `/api/${name}${search}`),
  headers: headers(json),
  body,
});
const onRow = shotOf({
  method: anyMethod,
  path: fc.tuple(tableName, anyId, query).map(([name, id, search]) => `/api/${name}/${id}${search}`),
  headers: headers(json),
  body,
});
/** The grammar of PostgREST: pieces of it, put together in ways that are mostly wrong. */
const restPiece = fc.constantFrom(
  ...'id name code term status grade email credits created_at students courses enrollments nothing * ... ( ) () , . : :: ->> -> ! !inner !left count() sum() text int json'.split(
    ' ',
  ),
);
const restSelect = fc.oneof(
  fc.array(restPiece, { maxLength: 12 }).map((pieces) => pieces.join('')),
  fc.constantFrom(
    'id,enrollments(id,courses(code))',
    'name,enrollments!inner(term)',
    '...students(name),term',
    'count()',
    'credits.sum(),code',
    'id::text,created_at::date',
    'name->a->>b',
    'name::int',
    `${'enrollments('.repeat(20)}id${')'.repeat(20)}`,
  ),
);
const restValue = fc
  .tuple(
    fc.constantFrom(
      'eq',
      'neq',
      'gt',
      'like',
      'ilike',
      'match',
      'imatch',
      'in',
      'is',
      'cs',
      'ov',
      'isdistinct',
      'not.eq',
      'like(any)',
      'fts',
      'x',
    ),
    fc.oneof(text, anyId, fc.constantFrom('(a,b)', '{a,b}', 'null', '*a*', '(', '[', '^(a+)+$', '"', '5', '{"a":1}')),
  )
  .map((parts) => parts.join('.'));
const restLogic = fc
  .array(
    fc.oneof(
      fc.constantFrom('id.eq.1', 'name.is.null', 'and(', 'or(', 'not.', ')', ',', '"', 'enrollments.is.null'),
      text,
    ),
    {
      maxLength: 6,
    },
  )
  .map((parts) => `(${parts.join(',')})`);
const restParameter = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(columnName, restValue) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('enrollments.term', 'name->>a', 'a.b.c', '"id"', 'enrollments'), restValue),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('select'), restSelect) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('or', 'and', 'not.or', 'enrollments.or'), restLogic) },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constantFrom('order', 'limit', 'offset', 'enrollments.limit', 'on_conflict', 'columns'),
      fc.oneof(columnName, fc.constantFrom('id.desc.nullslast', '5', '-1', '0', 'id,name', 'email'), text),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(text, text) },
);
const restQuery = fc
  .array(restParameter, { maxLength: 5 })
  .map((all) => `?${all.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')}`);
const onRest = shotOf({
  method: anyMethod,
  path: fc
    .tuple(fc.oneof(tableName, fc.constantFrom('rpc/nothing', 'rpc/read_csv', 'rpc')), fc.oneof(restQuery, query))
    .map(([name, search]) => `/api/rest/v1/${name}${search}`),
  headers: fc
    .tuple(
      headers(fc.oneof({ weight: 6, arbitrary: json }, { weight: 1, arbitrary: fc.constant('text/csv') })),
      fc.record(
        {
          // So that it is known how many rows there are more.
          prefer: fc.constantFrom(
            'count=exact',
            'return=representation, count=exact',
            'resolution=merge-duplicates, handling=strict',
            'tx=rollback, count=exact',
            'x',
          ),
          accept: fc.constantFrom(
            'application/vnd.pgrst.object+json',
            'text/csv',
            '*/*',
            'application/vnd.pgrst.array+json;nulls=stripped',
          ),
          range: fc.constantFrom('0-9', '5-1', 'x', '99-'),
          'accept-profile': fc.constantFrom('main', 'public', 'eider', 'x'),
        },
        { requiredKeys: [] },
      ),
    )
    .map(([all, more]): Record<string, string> => ({ ...all, ...more })),
  body,
});
const onSql = shotOf({
  method: fc.oneof({ weight: 10, arbitrary: fc.constant('POST') }, { weight: 1, arbitrary: anyMethod }),
  path: fc
    .oneof({ weight: 6, arbitrary: fc.constant('') }, { weight: 1, arbitrary: query })
    .map((search) => `/api/sql${search}`),
  headers: fc.tuple(headers(json), ofDriver).map(([given, driver]) => ({ ...given, ...driver })),
  body: sqlBody,
});
const onTransfer = shotOf({
  method: anyMethod,
  path: fc
    .tuple(
      fc.constantFrom('export', 'import'),
      fc.oneof(fc.constantFrom('', ...tableNames.map((name) => `?table=${name}`)), query),
      fc.constantFrom('', '&format=csv', '&format=parquet', '&format=x'),
    )
    .map(([name, search, format]) => `/api/${name}${search}${search === '' ? format.replace('&', '?') : format}`),
  headers: headers(
    fc.constantFrom('text/csv', 'application/x-ndjson', 'application/json', 'application/vnd.apache.parquet', null),
  ),
  body: importBody,
});
const onOther = shotOf({
  method: anyMethod,
  path: fc
    .tuple(
      fc.constantFrom('changes', 'changes', 'changes', 'catalog', 'db-status', 'openapi', 'nope/a/b', '', 'db-sync/x'),
      query,
    )
    .map((parts) => `/api/${parts.join('')}`),
  headers: headers(json),
  body,
});
/** Checkpoints: not many. */
const onSync = shotOf({
  method: fc.constantFrom('GET', 'POST', 'HEAD', 'PUT'),
  path: fc.constantFrom('/api/db-sync', '/api/db-sync?x'),
  headers: headers(json),
  body: fc.constant(null),
});
/** What is large in vain. */
const large = fc
  .constantFrom(['POST', '/api/students'], ['PATCH', '/api/students/§students:1§'], ['POST', '/api/sql'])
  .chain(([method = '', path = '']) =>
    shotOf({
      method: fc.constant(method),
      path: fc.constant(path),
      headers: headers(json),
      body: fc.constantFrom(`"${'x'.repeat(1_100_000)}"`, `[${'{},'.repeat(100_000)}{}]`),
    }),
  );

export const anyShot: fc.Arbitrary<Shot> = fc.oneof(
  { weight: 60, arbitrary: good },
  { weight: 30, arbitrary: spoiled },
  { weight: 120, arbitrary: onTable },
  { weight: 100, arbitrary: onRow },
  { weight: 25, arbitrary: onSql },
  { weight: 80, arbitrary: onRest },
  { weight: 25, arbitrary: onTransfer },
  { weight: 40, arbitrary: onOther },
  { weight: 1, arbitrary: onSync },
  { weight: 3, arbitrary: large },
);
