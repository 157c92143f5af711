/** Pages far behind the first, which are read in another way, have the same rows in the same order. */
import { expect, it, onTestFinished } from 'vitest';
import { startService } from '../../support/service.ts';

const rows = 12_000;
const sql = `CREATE TABLE points (id INTEGER PRIMARY KEY, g INTEGER, label VARCHAR);
  INSERT INTO points SELECT range, CASE WHEN range % 7 = 0 THEN NULL ELSE range % 100 END, 'p' || range FROM range(${rows});
  CREATE TABLE numbered (id INTEGER PRIMARY KEY, rowid INTEGER);
  INSERT INTO numbered SELECT range, ${rows} - range FROM range(${rows})`;

it.each([
  ['points', 'order=g.desc,id.asc', 'ORDER BY g DESC NULLS FIRST, id'],
  ['points', 'order=g.asc.nullsfirst,label.desc', 'ORDER BY g NULLS FIRST, label DESC'],
  ['points', 'order=id&g=not.is.null', 'WHERE g IS NOT NULL ORDER BY id'],
  ['numbered', 'order=rowid', 'ORDER BY "rowid"'],
])('%s?%s', async (table, query, rest) => {
  const service = await startService({ migrations: [{ name: '0001_points', sql }] });
  onTestFinished(() => service.app.close());
  const page = await service.send('GET', `/api/rest/v1/${table}?select=id&${query}&offset=10200&limit=20`);
  const { value } = await service.database.read((_queries, scope) =>
    scope.run(`SELECT id FROM ${table} ${rest} LIMIT 20 OFFSET 10200`),
  );
  expect(page.status).toBe(200);
  const expected = value.rows.map(([id]) => ({ id }));
  expect(expected).toHaveLength(20);
  expect(await page.json()).toEqual(expected);
});
