import { describe, expect, it } from 'vitest';
import type { Row } from '../../../lib/values.ts';
import type { Deploy } from '../../support/deployments.ts';
import type { Service } from '../../support/service.ts';

const ada = { name: 'Ada', email: 'ada@example.org' };
const dayMs = 86_400_000;

interface Seen {
  readonly status: number;
  readonly body: unknown;
  readonly location: string | null;
  readonly tag: string | null;
}

/** What a client compares. */
async function seen(response: Response): Promise<Seen> {
  const { status, headers } = response;
  return { status, body: await response.json(), location: headers.get('location'), tag: headers.get('etag') };
}

const post = (service: Service, json: unknown, key: string, table = 'students') =>
  service.send('POST', `/api/${table}`, { json, headers: { 'idempotency-key': key } });

async function count(service: Service, table: string): Promise<number> {
  const response = await service.send('GET', `/api/${table}?count=exact&limit=1`);
  return ((await response.json()) as { count: number }).count;
}

async function keptKeys(service: Service): Promise<Row[]> {
  const { database } = await service.app.open();
  const { value } = await database.read((queries) =>
    queries.selectFrom('eider.idempotency_keys').selectAll().execute(),
  );
  return value as Row[];
}

export function idempotencyContract(deploy: Deploy): void {
  it('answers the same key and body as the first time, from any instance, whatever happened to the row since', async () => {
    const deployment = deploy();
    const [one, other] = [await deployment.instance(), await deployment.instance()];
    const response = await post(one, ada, '"key 1"');
    const first = await seen(response);
    expect(first.status).toBe(201);
    expect(response.headers.get('idempotent-replayed')).toBeNull();
    const location = first.location ?? '';
    await one.send('PATCH', location, { json: { name: 'Eve' } });
    const again = await post(other, { email: ada.email, name: ada.name }, '"key 1"');
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await seen(again)).toEqual(first);
    await one.send('DELETE', location);
    // Bare, as many clients send it.
    expect(await seen(await post(other, ada, 'key 1'))).toEqual(first);
    expect(await count(other, 'students')).toBe(0);
  });

  it('writes key and row in one commit', async () => {
    const service = await deploy().instance();
    const { database } = await service.app.open();
    const { value: before } = await database.changes({ after: 0, limit: 1000 });
    await post(service, ada, 'one');
    const { value } = await database.changes({ after: before.head, limit: 10 });
    expect(value.sets).toHaveLength(1);
    expect(value.sets[0]?.changes).toMatchObject([{ kind: 'put', table: 'students' }]);
    expect(await keptKeys(service)).toHaveLength(1);
  });

  it('refuses the key for anything else', async () => {
    const service = await deploy().instance();
    const course = { code: 'A', title: 'B', credits: 1 };
    await post(service, ada, 'k');
    const others = [
      await post(service, { ...ada, name: 'Eve' }, 'k'),
      await post(service, [ada], 'k'),
      await post(service, course, 'k', 'courses'),
    ];
    const id = (await seen(await post(service, course, 'c', 'courses'))).location ?? '';
    others.push(await service.send('PATCH', id, { json: { credits: 3 }, headers: { 'idempotency-key': 'k' } }));
    for (const response of others) {
      expect([response.status, await response.json()]).toMatchObject([422, { errors: [{ path: 'idempotency-key' }] }]);
    }
    expect([await count(service, 'students'), await count(service, 'courses')]).toEqual([1, 1]);
  });

  it('keeps answers to arrays, to changes of a row and to changes by filter', async () => {
    const deployment = deploy();
    const [one, other] = [await deployment.instance(), await deployment.instance()];
    const courses = Array.from({ length: 1000 }, (_, index) => ({ code: `C${index}`, title: 'T', credits: 1 }));
    const batch = await seen(await post(one, courses, 'batch', 'courses'));
    const { data } = batch.body as { data: Row[] };
    const path = `/api/courses/${data[0]?.['id'] as string}`;
    const headers = { 'idempotency-key': 'one row', 'if-match': '*' };
    const change = await seen(await one.send('PATCH', path, { json: { credits: 2 }, headers }));
    const bulk = { json: { credits: 3 }, headers: { 'idempotency-key': 'bulk' } };
    const many = await seen(await one.send('PATCH', '/api/courses?credits=eq.1', bulk));
    expect([batch.status, data.length, change.status, many.body]).toEqual([201, 1000, 200, { updated: 999 }]);
    expect(await seen(await post(other, courses, 'batch', 'courses'))).toEqual(batch);
    // The condition held when it was done.
    const stale = { ...headers, 'if-match': '"stale"' };
    expect(await seen(await other.send('PATCH', path, { json: { credits: 2 }, headers: stale }))).toEqual(change);
    expect(await seen(await other.send('PATCH', '/api/courses?credits=eq.1', bulk))).toEqual(many);
    // A thousand rows are not stored twice.
    const sizes = (await keptKeys(other)).map(({ answer }) => (answer as string).length);
    expect(Math.max(...sizes)).toBeLessThan(45_000);
  });

  it('does not keep refusals: nothing was done, and the next time is decided anew', async () => {
    const service = await deploy().instance();
    const first = await seen(await post(service, ada, 'first'));
    expect((await post(service, ada, 'second')).status).toBe(409);
    await service.send('DELETE', first.location ?? '');
    expect((await post(service, ada, 'second')).status).toBe(201);
    expect((await post(service, { name: 'x' }, 'third')).status).toBe(422);
    expect((await post(service, { ...ada, email: 'x@example.org' }, 'third')).status).toBe(201);
  });

  it('forgets a key after a day, and removes expired ones a few at a time', async () => {
    const service = await deploy().instance();
    for (let index = 0; index < 24; index++)
      await post(service, { name: 'x', email: `a${index}@example.org` }, `a ${index}`);
    service.runtime.advance(dayMs - 60_000);
    expect(
      (await post(service, { name: 'x', email: 'a0@example.org' }, 'a 0')).headers.get('idempotent-replayed'),
    ).toBe('true');
    service.runtime.advance(60_001 + 60_000);
    await service.send('DELETE', '/api/students?id=is.not_null');
    const renewed = await post(service, { name: 'x', email: 'a0@example.org' }, 'a 0');
    expect([renewed.status, renewed.headers.get('idempotent-replayed')]).toEqual([201, null]);
    for (let index = 0; index < 24; index++)
      await post(service, { name: 'x', email: `b${index}@example.org` }, `b ${index}`);
    expect(await keptKeys(service)).toHaveLength(25);
  });

  it('takes keys as the draft writes them, and says what a key is', async () => {
    const service = await deploy().instance();
    for (const [index, key] of ['"', '', '""', 'a"b', '"a', 'é', 'x'.repeat(256), '"a\\b"'].entries()) {
      const response = await post(service, { name: 'x', email: `${index}@example.org` }, key);
      expect([key, response.status]).toEqual([key, 400]);
    }
    expect(await count(service, 'students')).toBe(0);
    const quoted = await seen(await post(service, ada, '"a\\"b"; comment=1'));
    expect(await seen(await post(service, ada, '"a\\"b"'))).toEqual(quoted);
  });

  describe('at the same time', () => {
    it('makes one row of many requests to many instances, all with the same answer', async () => {
      const deployment = deploy();
      const services = [await deployment.instance(), await deployment.instance(), await deployment.instance()];
      await Promise.all(services.map((service) => service.app.open()));
      const answers = await Promise.all(
        services.flatMap((service) => Array.from({ length: 5 }, async () => seen(await post(service, ada, 'same')))),
      );
      expect(answers[0]?.status).toBe(201);
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect(await count(services[0]!, 'students')).toBe(1);
    });

    it('does all requests of many clients that have keys of their own', async () => {
      const deployment = deploy();
      const services = [await deployment.instance(), await deployment.instance()];
      await Promise.all(services.map((service) => service.app.open()));
      const statuses: number[] = [];
      const client = async (name: number): Promise<void> => {
        for (let turn = 0; turn < 25; turn++) {
          const json = { name: 'x', email: `${name}.${turn}@x.org` };
          statuses.push((await post(services[name % 2]!, json, `${name}.${turn}`)).status);
        }
      };
      await Promise.all(Array.from({ length: 16 }, (_, name) => client(name)));
      expect(statuses.filter((status) => status !== 201)).toEqual([]);
      expect(statuses).toHaveLength(400);
    }, 60_000);

    it('lets one of two different requests with one key win', async () => {
      const deployment = deploy();
      const services = [await deployment.instance(), await deployment.instance()];
      await Promise.all(services.map((service) => service.app.open()));
      const statuses = await Promise.all(
        services.map(async (service, index) => (await post(service, { ...ada, email: `${index}@x.org` }, 'k')).status),
      );
      expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 422]);
    });
  });
}
