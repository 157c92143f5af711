import { expect, it } from 'vitest';
import { anonymous } from './place.ts';
import { answers, type Case, type Refusal, refusals, type UsePlace } from './support.ts';

const cases: readonly Case[] = [
  ['a value', (c) => c.rpc('add_up', { a: 1, b: 2 }), 3],
  ['a value, by GET', (c) => c.rpc('add_up', { a: 1, b: 2 }, { get: true }), 3],
  ['with a default', (c) => c.rpc('greet', { name: 'Ada' }), 'Hello, Ada'],
  ['without the default', (c) => c.rpc('greet', { greeting: 'Hi', name: "O'Brien; --" }), "Hi, O'Brien; --"],
  [
    'an argument that is called like the function’s segment, by GET',
    (c) => c.rpc('greet', { name: 'greet' }, { get: true }),
    'Hello, greet',
  ],
  ['a list', (c) => c.rpc('of_tags', { tags: ['a', 'b', 'c, d'] }), 3],
  ['a list, by GET', (c) => c.rpc('of_tags', { tags: ['a', 'b'] }, { get: true }), 2],
  [
    'rows',
    (c) => c.rpc('books_longer', { min_pages: 400 }).select('id,title'),
    [
      { id: 1, title: 'Emma' },
      { id: 3, title: 'War and Peace' },
    ],
  ],
  [
    'whole rows',
    (c) => c.rpc('books_longer', { min_pages: 1000 }),
    [{ id: 3, title: 'War and Peace', pages: 1225, meta: { sold: 100, note: null } }],
  ],
  ['rows by GET', (c) => c.rpc('books_longer', { min_pages: 1000 }, { get: true }).select('id'), [{ id: 3 }]],
  ['filtered rows', (c) => c.rpc('books_longer', { min_pages: 200 }).select('id').like('title', 'E%'), [{ id: 1 }]],
  [
    'filtered rows with or',
    (c) => c.rpc('books_longer', { min_pages: 200 }).select('id').or('id.eq.1,id.eq.3').order('id'),
    [{ id: 1 }, { id: 3 }],
  ],
  [
    'rows by what JSON holds',
    (c) =>
      c.rpc('books_longer', { min_pages: 1 }).select('id,shade:meta->cover->>colour').eq('meta->cover->>colour', 'red'),
    [{ id: 1, shade: 'red' }],
  ],
  [
    'sorted rows',
    (c) => c.rpc('books_longer', { min_pages: 200 }).select('id').order('pages', { ascending: false }),
    [{ id: 3 }, { id: 1 }, { id: 4 }, { id: 2 }],
  ],
  [
    'limited rows',
    (c) => c.rpc('books_longer', { min_pages: 200 }).select('id').order('id').range(1, 2),
    [{ id: 2 }, { id: 3 }],
  ],
  ['one row', (c) => c.rpc('books_longer', { min_pages: 1000 }).select('title').single(), { title: 'War and Peace' }],
  ['an aggregate of rows', (c) => c.rpc('books_longer', { min_pages: 200 }).select('pages.max()'), [{ max: 1225 }]],
  ['rows without arguments', (c) => c.rpc('sizes'), [{ size: 1 }, { size: 2 }, { size: 3 }]],
  ['CSV', (c) => c.rpc('sizes').csv(), 'size\r\n1\r\n2\r\n3\r\n'],
  ['a head and a count', (c) => c.rpc('sizes', {}, { head: true, count: 'exact' }), null],
];

const wrong: readonly Refusal[] = [
  ['a function that is not there', (c) => c.rpc('nothing', { a: 1 }), 404, 'PGRST202'],
  ['an argument that it lacks', (c) => c.rpc('add_up', { a: 1, b: 2, c: 3 }), 404, 'PGRST202'],
  ['an argument that is missing', (c) => c.rpc('add_up', { a: 1 }), 404, 'PGRST202'],
  ['one of several', (c) => c.rpc('sizes').single(), 406, 'PGRST116'],
  ['a column that it lacks', (c) => c.rpc('sizes').select('nothing'), 400, '42703'],
  ...[
    'read_csv',
    'read_text',
    'query',
    'getenv',
    'glob',
    'pg_read_file',
    'pg_sleep',
    'current_setting',
    'duckdb_settings',
    'range',
    'set_config',
    'nextval',
  ].map((name): Refusal => [`the engine's own ${name}`, (c) => c.rpc(name, { a: '/etc/passwd' }), 404, 'PGRST202']),
  ['a name with a statement in it', (c) => c.rpc('sizes(); drop table books; --'), 404, 'PGRST202'],
];

export function callCases(place: UsePlace): void {
  answers(place, cases);
  refusals(place, wrong);

  it('names the arguments that were sent where others are missing', async () => {
    const { error } = await place().client.rpc('add_up', { a: 1 });
    expect(error?.message).toMatch(/add_up\(a\) in the schema cache$/);
    expect(error?.hint).toBe('Its parameters are a, b.');
  });

  it('counts rows', async () => {
    const { count, status } = await place().client.rpc('sizes', {}, { count: 'exact' }).limit(2);
    expect([count, status]).toEqual([3, 206]);
  });

  it('is for who may only read, and writes nothing for anybody', async () => {
    expect((await anonymous(place()).rpc('add_up', { a: 2, b: 3 })).data).toBe(5);
    const { client, engine } = place();
    const names = engine === 'postgres' ? ['writes', 'writes'] : ['secrets', 'settings', 'through'];
    for (const [index, name] of names.entries()) {
      const { error, status } = await (index === 0 ? client : anonymous(place())).rpc(name);
      expect([status, error?.code]).toEqual(
        engine === 'postgres' ? [405, '25006'] : index === 0 ? [400, '42P01'] : [403, '42501'],
      );
    }
    expect((await client.from('reviews').select('count')).data).toEqual([{ count: 5 }]);
  });
}
