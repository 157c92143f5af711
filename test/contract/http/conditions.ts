import { expect, it } from 'vitest';
import { rowVersion } from '../../../lib/rows/version.ts';
import type { Deploy } from '../../support/deployments.ts';
import type { Service } from '../../support/service.ts';
import { problemType } from '../../support/problems.ts';

const course = { code: 'CS1', title: 'Computing', credits: 5 };

async function created(service: Service, json: object = course) {
  const response = await service.send('POST', '/api/courses', { json });
  expect(response.status).toBe(201);
  return { path: response.headers.get('location') ?? '', tag: response.headers.get('etag') ?? '' };
}

export function conditionsContract(deploy: Deploy): void {
  it('gives a row the same strong tag in every answer, on every instance, until it changes', async () => {
    const deployment = deploy();
    const [one, other] = [await deployment.instance(), await deployment.instance()];
    const { path, tag } = await created(one);
    expect(tag).toMatch(/^"[\w-]{22}"$/);
    for (const service of [one, other]) {
      for (const [method, query] of [
        ['GET', ''],
        ['HEAD', ''],
        ['GET', '?select=title'],
      ] as const) {
        expect((await service.send(method, path + query)).headers.get('etag')).toBe(tag);
      }
    }
    one.runtime.advance(1);
    const tags = new Set([tag]);
    for (const [method, json] of [
      ['PATCH', { credits: 6 }],
      ['PUT', { ...course, credits: 7 }],
    ] as const) {
      one.runtime.advance(1);
      const response = await one.send(method, path, { json });
      expect(response.headers.get('content-location')).toBe(path);
      const changed = response.headers.get('etag') ?? '';
      expect((await other.send('GET', path)).headers.get('etag')).toBe(changed);
      tags.add(changed);
    }
    expect(tags.size).toBe(3);
  });

  it('takes the tag from all columns, in any order', () => {
    expect(rowVersion({ a: 1, b: null })).toBe(rowVersion({ b: null, a: 1 }));
    const versions = [{ a: 1, b: null }, { a: 1, b: 'null' }, { a: '1', b: null }, { a: 1 }, { b: 1, a: null }].map(
      rowVersion,
    );
    expect(new Set(versions).size).toBe(5);
  });

  it('writes on the condition that the row is the one that the client saw', async () => {
    const service = await deploy().instance();
    const { path, tag } = await created(service);
    const stale = '"0000000000000000000000"';
    for (const [method, json] of [['PUT', course], ['PATCH', { credits: 6 }], ['DELETE']] as const) {
      for (const condition of [stale, `W/${stale}`, `${stale}, ${stale}`]) {
        const response = await service.send(method, path, {
          ...(json && { json }),
          headers: { 'if-match': condition },
        });
        expect([response.status, await response.json()]).toMatchObject([
          412,
          { type: problemType('precondition-failed'), hint: expect.any(String) },
        ]);
      }
      const excluded = await service.send(method, path, { ...(json && { json }), headers: { 'if-none-match': '*' } });
      expect(excluded.status).toBe(412);
    }
    expect((await service.send('GET', path)).headers.get('etag')).toBe(tag);
    service.runtime.advance(1);
    const first = await service.send('PATCH', path, {
      json: { credits: 6 },
      headers: { 'if-match': `${stale}, W/${tag}` },
    });
    expect(first.status).toBe(200);
    const second = await service.send('PATCH', path, { json: { credits: 7 }, headers: { 'if-match': tag } });
    expect(second.status).toBe(412);
    expect((await service.send('PUT', path, { json: course, headers: { 'if-match': '*' } })).status).toBe(200);
    expect((await service.send('DELETE', path, { headers: { 'if-match': '*' } })).status).toBe(204);
    // Without the condition it would be 404 as well, which comes first.
    expect((await service.send('DELETE', path, { headers: { 'if-match': tag } })).status).toBe(404);
  });

  it('decides between instances: of two that saw the same version, one writes', async () => {
    const deployment = deploy();
    const services = [await deployment.instance(), await deployment.instance()];
    const { path, tag } = await created(services[0]!);
    for (const service of services) service.runtime.advance(5);
    const statuses = await Promise.all(
      services.flatMap((service, index) =>
        [1, 2].map(async (round) => {
          const json = { credits: index * 10 + round };
          return (await service.send('PATCH', path, { json, headers: { 'if-match': tag } })).status;
        }),
      ),
    );
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 412, 412, 412]);
  });

  it('answers 304 to who has the row already', async () => {
    const service = await deploy().instance();
    const { path, tag } = await created(service);
    for (const known of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
      const response = await service.send('GET', path, { headers: { 'if-none-match': known } });
      expect([response.status, await response.text(), response.headers.get('etag')]).toEqual([304, '', tag]);
      expect(response.headers.get('db-bookmark')).not.toBeNull();
    }
    expect((await service.send('GET', path, { headers: { 'if-none-match': '"x"' } })).status).toBe(200);
    expect((await service.send('GET', path, { headers: { 'if-match': '"x"' } })).status).toBe(412);
    expect((await service.send('GET', path, { headers: { 'if-match': tag } })).status).toBe(200);
  });

  it('refuses conditions that it does not understand, or that mean nothing', async () => {
    const service = await deploy().instance();
    const { path } = await created(service);
    for (const condition of ['x', '"', '"a" "b"', 'w/"a"', '', '"a",,', '*, "a"']) {
      const response = await service.send('PATCH', path, { json: { credits: 1 }, headers: { 'if-match': condition } });
      expect([condition, response.status]).toEqual([condition, 400]);
      expect(await response.json()).toMatchObject({ errors: [{ path: 'if-match' }] });
    }
    const headers = { 'if-match': '"x"' };
    expect((await service.send('POST', '/api/courses', { json: course, headers })).status).toBe(412);
    expect((await service.send('DELETE', '/api/courses?credits=eq.5', { headers })).status).toBe(412);
    expect((await service.send('PATCH', '/api/courses?credits=eq.5', { json: { credits: 1 }, headers })).status).toBe(
      412,
    );
    expect((await service.send('GET', path)).status).toBe(200);
  });
}
