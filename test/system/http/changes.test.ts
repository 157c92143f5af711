import { describe, expect, it } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { startReplicated } from '../../support/replicated.ts';
import type { Service } from '../../support/service.ts';
import { problemType } from '../../support/problems.ts';

interface Page {
  data: {
    version: number;
    at: string;
    changes: { kind: string; table?: string; rows?: object[]; keys?: object[] }[];
  }[];
  next: number;
  oldest: number;
  head: number;
}

async function page(service: Service, query = ''): Promise<Page> {
  const response = await service.send('GET', `/api/changes${query}`);
  const body = (await response.json()) as Page;
  expect([response.status, body]).toMatchObject([200, {}]);
  return body;
}

const student = (index: number) => ({ name: `Student ${index}`, email: `s${index}@example.org` });

async function write(service: Service, index: number): Promise<number> {
  const response = await service.send('POST', '/api/students', { json: student(index) });
  expect(response.status).toBe(201);
  return Number(response.headers.get('db-bookmark'));
}

describe('a page', () => {
  it('begins now, and goes on from any version', async () => {
    const service = await startReplicated();
    const before = await page(service);
    expect(before).toEqual({ data: [], next: before.head, oldest: 0, head: before.head });
    const created = await service.send('POST', '/api/students', {
      json: student(1),
      headers: { 'idempotency-key': 'not for others' },
    });
    const row = (await created.json()) as { id: string };
    await service.send('DELETE', `/api/students/${row.id}`);
    const { data, next, head } = await page(service, `?after=${before.next}`);
    expect(data.map(({ changes }) => changes)).toEqual([
      [{ kind: 'put', table: 'students', rows: [row] }],
      [{ kind: 'delete', table: 'students', keys: [{ id: row.id }] }],
    ]);
    expect(next).toBe(head);
    const all = await page(service, '?after=0&limit=1000');
    expect(all.data.map(({ version }) => version)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    expect(all.data[0]?.changes).toEqual([{ kind: 'schema' }]);
    expect((await page(service, '?after=0&limit=1')).next).toBe(1);
  });

  it('tells how many rows, where nobody wants them', async () => {
    const service = await startReplicated();
    const json = [student(1), student(2)];
    await service.send('POST', '/api/students', { json });
    await service.send('DELETE', '/api/students?email=like.s*');
    const { data, head } = await page(service, '?after=0&rows=false');
    expect(data.slice(-2).map(({ changes }) => changes)).toEqual([
      [{ kind: 'put', table: 'students', count: 2 }],
      [{ kind: 'delete', table: 'students', count: 2 }],
    ]);
    expect(data.at(-1)?.version).toBe(head);
    const refused = await service.send('GET', '/api/changes?rows=no');
    expect([refused.status, await refused.json()]).toMatchObject([400, { errors: [{ path: 'rows' }] }]);
  });

  it('tells of one table, or of one row', async () => {
    const service = await startReplicated();
    const [first, second] = [await write(service, 1), await write(service, 2)];
    const course = await service.send('POST', '/api/courses', { json: { code: 'C1', title: 'One', credits: 1 } });
    const { data, next } = await page(service, '?after=0&table=students');
    expect(data.filter(({ changes }) => changes[0]?.kind === 'put').map(({ version }) => version)).toEqual([
      first,
      second,
    ]);
    expect(next).toBe(Number(course.headers.get('db-bookmark')));
    const { id } = data.at(-1)!.changes[0]!.rows![0] as { id: string };
    await service.send('DELETE', `/api/students/${id}`);
    const ofRow = await page(service, `?after=${first}&table=students&key=${id}`);
    expect(ofRow.data.map(({ changes }) => changes[0]?.kind)).toEqual(['put', 'delete']);
    expect((await service.send('GET', '/api/changes?table=nothing')).status).toBe(404);
  });

  it('says what to do when the beginning is gone, and when there never was such a version', async () => {
    const store = createMemoryStore({ runtime: systemRuntime });
    const service = await startReplicated({ store });
    const head = await write(service, 1);
    await store.delete([`test.db.log/${'1'.padStart(16, '0')}.json`]);
    const gone = await service.send('GET', '/api/changes?after=0');
    expect([gone.status, await gone.json()]).toMatchObject([
      410,
      {
        type: problemType('gone'),
        hint: expect.stringContaining('Export'),
        errors: [{ message: 'must be 1 or more' }],
      },
    ]);
    expect((await page(service, '?after=1')).data).toHaveLength(head - 1);
    const ahead = await service.send('GET', `/api/changes?after=${head + 1}`);
    expect([ahead.status, await ahead.json()]).toMatchObject([400, { hint: expect.any(String) }]);
  });

  it('knows its parameters', async () => {
    const service = await startReplicated();
    for (const query of [
      'after=x',
      'after=-1',
      'after=1.5',
      'limit=0',
      'limit=1001',
      'table=students&table=courses',
      'key=x',
      'table=students&key=a&key=b',
      'after=1&after=2',
    ]) {
      expect([query, (await service.send('GET', `/api/changes?${query}`)).status]).toEqual([query, 400]);
    }
  });
});

describe('events', () => {
  const headers = { accept: 'text/event-stream' };

  /** Reads events until `enough` holds of all that came, then goes away. */
  async function listen(response: Response, enough: (text: string) => boolean): Promise<string> {
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += new TextDecoder().decode(chunk);
      if (enough(text)) break;
    }
    return text;
  }
  const versions = (text: string) => [...text.matchAll(/^id: (\d+)\nevent: change$/gm)].map(([, id]) => Number(id));

  it('tell what other instances commit while somebody listens, and go on where a connection ended', async () => {
    const store = createMemoryStore({ runtime: systemRuntime });
    const [writer, teller] = [await startReplicated({ store }), await startReplicated({ store })];
    const first = await write(writer, 1);
    const response = await teller.send('GET', '/api/changes', { headers });
    const heard = listen(response, (text) => versions(text).length === 2);
    await write(writer, 2);
    await write(writer, 3);
    const text = await heard;
    expect(text).toMatch(new RegExp(`^retry: \\d+\nid: ${first}\n\n`));
    expect(versions(text)).toEqual([first + 1, first + 2]);
    const data = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '') as Page['data'][number];
    expect(data).toMatchObject({ version: first + 1, changes: [{ kind: 'put', table: 'students' }] });
    await write(writer, 4);
    // As a browser does: the same address, and the id of the last event.
    const resumed = await teller.send('GET', '/api/changes?after=0', {
      headers: { ...headers, 'last-event-id': String(first + 1) },
    });
    expect(versions(await listen(resumed, (more) => versions(more).length === 2))).toEqual([first + 2, first + 3]);
  });

  it('of one table go on behind those of others', async () => {
    const service = await startReplicated();
    const response = await service.send('GET', '/api/changes?table=courses', { headers });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const version = await write(service, 1);
    service.runtime.advance(16_000);
    expect(new TextDecoder().decode((await reader.read()).value)).toMatch(
      new RegExp(`^(: nothing new|id: ${version})\n\n$`),
    );
    await reader.cancel();
  });

  it('end in time, keep silent lines open, and stop when the client goes', async () => {
    const service = await startReplicated();
    const response = await service.send('GET', '/api/changes', { headers });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    service.runtime.advance(16_000);
    expect(new TextDecoder().decode((await reader.read()).value)).toBe(': nothing new\n\n');
    service.runtime.advance(240_000);
    let last = await reader.read();
    while (!last.done) last = await reader.read();
    const left = await service.send('GET', '/api/changes', { headers });
    const leaving = (left.body as ReadableStream<Uint8Array>).getReader();
    await leaving.read();
    const waiting = leaving.read();
    await leaving.cancel();
    expect((await waiting).done).toBe(true);
  });

  it('are refused with a status while nothing was sent, and told of trouble later as an event', async () => {
    const store = createMemoryStore({ runtime: systemRuntime });
    const service = await startReplicated({ store });
    const head = await write(service, 1);
    const ahead = await service.send('GET', `/api/changes?after=${head + 1}`, { headers });
    expect([ahead.status, ahead.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
    const wrongId = await service.send('GET', '/api/changes', { headers: { ...headers, 'last-event-id': 'x' } });
    expect(wrongId.status).toBe(400);
    const response = await service.send('GET', '/api/changes', { headers });
    await service.app.close();
    const text = await listen(response, () => false);
    expect(text).toContain(`event: problem\ndata: {"type":"${problemType('unavailable')}"`);
  });
});
