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

  it('makes columns that hold every digit of the numbers of a CSV file', async () => {
    const service = await deploy().instance({ migrations: [] });
    const huge = '9'.repeat(50);
    const body = `id,whole,exact,short,power,beyond\n1,12345678901234567890,-1234567890123456.70,0.1,1e5,${huge}\n2,7,0.5,2.50,3,1\n3,,,,,\n`;
    const send = (query: string) =>
      service.send('POST', `/api/import?table=exact&create=true&${query}`, {
        body,
        headers: { 'content-type': 'text/csv' },
      });
    const { columns } = (await (await send('dry-run=true')).json()) as { columns: { type: string }[] };
    expect(columns.slice(1).map(({ type }) => type.replaceAll(' ', ''))).toEqual([
      expect.stringMatching(/^(?:HUGEINT|numeric\(39,0\))$/),
      expect.stringMatching(/^(?:DECIMAL|numeric)\(38,2\)$/),
      expect.stringMatching(/^double/i),
      expect.stringMatching(/^double/i),
      expect.stringMatching(/^(?:VARCHAR|text)$/),
    ]);
    expect((await send('on_conflict=id')).status).toBe(201);
    expect(await rowsOf(service, 'exact')).toMatchObject([
      { whole: '12345678901234567890', exact: '-1234567890123456.70', short: 0.1, power: 100_000, beyond: huge },
      { whole: '7', exact: '0.50', short: 2.5 },
      { whole: null, exact: null, beyond: null },
    ]);
  });

  it('takes files without rows, as an export of an empty table is one', async () => {
    const service = await deploy().instance({ migrations: [] });
    const types = { csv: 'text/csv', jsonl: 'application/jsonl', parquet: 'application/vnd.apache.parquet' };
    const made = await service.send('POST', '/api/import?table=few&create=true', {
      body: 'id,name\n1,a\n',
      headers: { 'content-type': types.csv },
    });
    expect(made.status).toBe(201);
    for (const [format, type] of Object.entries(types)) {
      const exported = await service.send('GET', `/api/export?table=few&format=${format}&id=eq.5`);
      const body = new Uint8Array(await exported.arrayBuffer());
      const send = (query: string) =>
        service.send('POST', `/api/import?table=${query}`, { body, headers: { 'content-type': type } });
      const imported = await send('few');
      expect([format, imported.status, await imported.json()]).toEqual([format, 201, { table: 'few', rows: 0 }]);
      expect((await send('few&dry-run=true')).status).toBe(200);
      expect([format, (await send('other&create=true')).status]).toEqual([format, 422]);
    }
  });

  it('says in one sentence what kind of file is not read', async () => {
    const service = await deploy().instance({ migrations: [] });
    const send = async (body: string | Buffer, query = '') => {
      const headers = { 'content-type': 'text/csv' };
      const sent = typeof body === 'string' ? body : new Uint8Array(body);
      const response = await service.send('POST', `/api/import?table=courses${query}`, { body: sent, headers });
      return [response.status, ((await response.json()) as { detail?: string }).detail];
    };
    const csv = 'code,title\nA1,café\n';
    expect((await send(csv, '&create=true'))[0]).toBe(201);
    for (const [separator, name] of Object.entries({ ';': '";"', '\t': 'tabs', '|': '"|"' }))
      expect(await send(csv.replaceAll(',', separator))).toEqual([
        422,
        `The columns of the file are separated by ${name}, and not by commas.`,
      ]);
    for (const [bytes, name] of [
      [Buffer.from(`\uFEFF${csv}`, 'utf16le'), 'UTF-16'],
      [Buffer.from(csv, 'utf16le'), 'UTF-16'],
      [Buffer.from(csv, 'utf16le').swap16(), 'UTF-16'],
      [Buffer.from(csv, 'latin1'), 'Latin-1 or Windows-1252, it seems'],
    ] as const)
      expect(await send(bytes)).toEqual([422, `The body is not UTF-8 (${name}).`]);
  });

  it('makes no table in a schema that is not there, or is its own', async () => {
    const service = await deploy().instance({ migrations: [] });
    const send = (query: string) =>
      service.send('POST', `/api/import?create=true&table=${query}`, {
        body: 'id\n1\n',
        headers: { 'content-type': 'text/csv' },
      });
    for (const query of ['nosch.x', 'nosch.x&dry-run=true', 'eider.x', 'eider.x&dry-run=true', '.x']) {
      const refused = await send(query);
      expect([query, refused.status]).toEqual([query, 422]);
      expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(/schema/) as unknown });
    }
    expect((await service.send('POST', '/api/sql', { json: { query: 'CREATE SCHEMA shop' } })).status).toBe(200);
    expect((await send('shop.x')).status).toBe(201);
    expect((await service.send('GET', '/api/shop.x')).status).toBe(200);
  });
}
