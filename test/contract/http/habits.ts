/** The habit tracker of examples/: one file of SQL and no TypeScript. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadMigrations } from '../../../lib/catalog/migration-files.ts';
import type { Deploy } from '../../support/deployments.ts';
import type { Service } from '../../support/service.ts';

const habits = loadMigrations(fileURLToPath(new URL('../../../examples/habits/migrations', import.meta.url)));
const colors = {
  name: '0002_colors',
  sql: `ALTER TABLE habits ADD COLUMN color VARCHAR DEFAULT 'green';
    COMMENT ON COLUMN habits.color IS 'Of its line in the statistics';`,
};

type Json = Record<string, unknown>;

async function ask(service: Service, method: string, path: string, json?: Json | Json[]): Promise<[number, Json]> {
  const response = await service.send(method, path, json === undefined ? {} : { json });
  const text = await response.text();
  return [response.status, text === '' ? {} : (JSON.parse(text) as Json)];
}

async function propertiesOf(service: Service, schema: string): Promise<Json> {
  const [, document] = await ask(service, 'GET', '/api/openapi');
  const { components } = document as { components: { schemas: Record<string, { properties: Json }> } };
  return components.schemas[schema]!.properties;
}

export function habitsContract(deploy: Deploy): void {
  it('is a tracker with rules, references and statistics', async () => {
    const service = await deploy().instance({ migrations: habits });
    const [status, { id }] = await ask(service, 'POST', '/api/habits', { name: 'Run', times_a_week: 2 });
    expect(status).toBe(201);
    const days = ['2026-11-23', '2026-11-25', '2026-11-30'].map((day) => ({ habit_id: id, day }));
    expect(await ask(service, 'POST', '/api/check_ins', days)).toMatchObject([201, { data: days }]);
    expect(await ask(service, 'GET', '/api/weekly_statistics?habit=eq.Run&order=week')).toMatchObject([
      200,
      {
        data: [
          { habit_id: id, week: '2026-11-23', days_done: '2', is_reached: true },
          { habit_id: id, week: '2026-11-30', days_done: '1', is_reached: false },
        ],
      },
    ]);
    expect(await ask(service, 'GET', `/api/check_ins/${String(id)},2026-11-25`)).toMatchObject([200, days[1]!]);

    const refused = async (method: string, path: string, json?: Json): Promise<unknown> => {
      const [code, { errors = [] }] = await ask(service, method, path, json);
      return [code, (errors as { path: string }[]).map(({ path: field }) => field)];
    };
    expect(await refused('POST', '/api/habits', { name: 'Run' })).toEqual([409, ['name']]);
    expect(await refused('POST', '/api/habits', { name: 'Read', times_a_week: 8 })).toEqual([422, ['times_a_week']]);
    expect(await refused('POST', '/api/habits', { title: 'Read' })).toEqual([422, ['title', 'name']]);
    expect(await refused('POST', '/api/check_ins', { habit_id: crypto.randomUUID() })).toEqual([422, ['habit_id']]);
    expect(await refused('POST', '/api/check_ins', { habit_id: id, day: '2026-02-30' })).toEqual([422, ['day']]);
    expect(await refused('DELETE', `/api/habits/${String(id)}`)).toEqual([409, expect.anything()]);
    expect(await refused('POST', '/api/weekly_statistics', { habit: 'Run' })).toEqual([405, []]);
    expect(await refused('GET', '/api/students')).toEqual([404, []]);
  });

  it('shows a column of a second file in routes and OpenAPI at the next request', async () => {
    const deployment = deploy();
    const before = await deployment.instance({ migrations: habits });
    const [, { id }] = await ask(before, 'POST', '/api/habits', { name: 'Run' });
    expect(await propertiesOf(before, 'Habits')).not.toHaveProperty('color');

    const after = await deployment.instance({ migrations: [...habits, colors] });
    const read = `/api/habits/${String(id)}`;
    expect(await ask(after, 'GET', read)).toMatchObject([200, { color: 'green' }]);
    // The instance of the deployment before has not been told.
    expect(await ask(before, 'PATCH', read, { color: 'blue' })).toMatchObject([200, { color: 'blue' }]);
    expect(await ask(before, 'GET', '/api/habits?color=eq.blue')).toMatchObject([200, { data: [{ id }] }]);
    for (const service of [before, after]) {
      expect(await propertiesOf(service, 'Habits')).toMatchObject({
        color: { description: expect.stringContaining('Of its line') },
      });
    }
  });
}
