/** Imports: tables that are made for files, rows that are changed, and what a dry run tells. */
import { expect, it } from 'vitest';
import type { Deploy } from '../../support/deployments.ts';
import type { Service } from '../../support/service.ts';

async function rowsOf(service: Service, table: string): Promise<unknown> {
  return ((await (await service.send('GET', `/api/${table}?order=id&limit=500`)).json()) as { data: unknown }).data;
}

export function importsContract(deploy: Deploy): void {
  it('makes a table for a file, and tells beforehand what it would be', async () => {
    const service = await deploy().instance({ migrations: [] });
    const csv =
      'id,name,born,weight,seen\n1,Ada,1815-12-10,1.5,2026-01-01T00:00:00Z\n2,"Bo, B",1900-01-01,2,2026-01-02T01:02:03.5Z\n';
    const send = (query: string, body = csv, type = 'text/csv') =>
      service.send('POST', `/api/import?${query}`, { body, headers: { 'content-type': type } });
    const dry = await send('table=people&create=true&dry-run=true&on_conflict=id');
    expect([dry.status, await dry.json()]).toMatchObject([
      200,
      {
        rows: 2,
        wrong: 0,
        columns: [
          { name: 'id', type: expect.stringMatching(/^BIGINT/i) },
          { name: 'name', type: expect.stringMatching(/^(?:VARCHAR|text)/i) },
          { name: 'born', type: expect.stringMatching(/^DATE/i) },
          { name: 'weight', type: expect.stringMatching(/^DOUBLE/i) },
          { name: 'seen', type: expect.stringMatching(/^TIMESTAMP/i) },
        ],
        create: expect.stringContaining('PRIMARY KEY ("id")'),
      },
    ]);
    expect((await service.send('GET', '/api/people')).status).toBe(404);
    const made = await send('table=people&create=true&on_conflict=id');
    expect([made.status, await made.json()]).toMatchObject([201, { table: 'people', rows: 2 }]);
    expect((await send('table=people&create=true')).status).toBe(409);
    expect((await send('table=people&on_conflict=name')).status).toBe(400);
    const merged = await send('table=people&on_conflict=id', 'id,name\n2,Bob\n3,Cy\n');
    expect([merged.status, await merged.json()]).toEqual([201, { table: 'people', rows: 2 }]);
    expect(await rowsOf(service, 'people')).toMatchObject([
      { name: 'Ada' },
      { name: 'Bob', weight: 2 },
      { name: 'Cy' },
    ]);
    const wrong = await send('table=people&dry-run=true', 'id,name\n9,x\nnine,y\n');
    expect(await wrong.json()).toMatchObject({
      rows: 1,
      wrong: 1,
      errors: [{ path: '3/id' }],
      sample: [{ name: 'x' }],
    });
    const lines = '{"a":1.5,"b":{"c":[1,2]},"when":"24.12.2026"}\n{"a":2,"b":null,"when":"25.12.2026"}\n';
    const odd = await send('table=odd&create=true', lines, 'application/jsonl');
    expect([odd.status, await odd.json()]).toMatchObject([201, { rows: 2 }]);
  });

  it('makes a table for lines of JSON whose fields and types differ, and keeps every value', async () => {
    const service = await deploy().instance({ migrations: [] });
    const lines = [
      { id: 1, mixed: 1, held: { a: 1 }, some: [1, 2], day: '2024-01-01', nested: { a: { b: 1 } } },
      { id: 2, mixed: 'x', held: [true], day: 'soon', nested: { a: 'z' } },
      { id: 3, mixed: { k: null }, held: 7, some: null, only: false },
      { id: 4, mixed: true, some: ['a'], nested: null },
    ];
    const body = lines.map((line) => JSON.stringify(line)).join('\n');
    const headers = { 'content-type': 'application/jsonl' };
    const made = await service.send('POST', '/api/import?table=mixed&create=true', { body, headers });
    expect([made.status, await made.json()]).toMatchObject([201, { rows: 4 }]);
    expect(await rowsOf(service, 'mixed')).toMatchObject([
      { id: '1', mixed: '1', held: '{"a":1}', day: '2024-01-01', nested: '{"a":{"b":1}}', only: null },
      { id: '2', mixed: 'x', held: '[true]', day: 'soon', nested: '{"a":"z"}', some: null },
      { id: '3', mixed: '{"k":null}', held: '7', day: null, nested: null, only: false },
      { id: '4', mixed: 'true', held: null, day: null },
    ]);
  });
}
