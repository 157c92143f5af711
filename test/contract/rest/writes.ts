import { afterEach, expect, it } from 'vitest';
import type { Client } from './place.ts';
import { refusals, type Refusal, type UsePlace } from './support.ts';

const things = (c: Client) => c.from('things');
const thing = {
  name: 'unnamed',
  size: 7,
  code: null,
  kind: null,
  data: null,
  list: null,
  moment: null,
  exact: null,
  wide: null,
};

const wrong: readonly Refusal[] = [
  ['a duplicate', (c) => c.from('authors').insert({ id: 1, name: 'x' }), 409, '23505'],
  [
    'a duplicate of a unique value',
    (c) => c.from('authors').insert({ id: 50, name: 'x', email: 'jane@example.org' }),
    409,
    '23505',
  ],
  [
    'a duplicate by an update',
    (c) => c.from('authors').update({ email: 'jane@example.org' }).eq('id', 2),
    409,
    '23505',
  ],
  ['a reference to nothing', (c) => c.from('reviews').insert({ id: 50, book_id: 99, stars: 1 }), 409, '23503'],
  ['a row that others refer to', (c) => c.from('authors').delete().eq('id', 1), 409, '23503'],
  ['null where none may be', (c) => c.from('authors').insert({ id: 50, name: null }), 400, '23502'],
  ['a value that is missing', (c) => c.from('authors').insert({ id: 50 }), 400, '23502'],
  ['null by an update', (c) => c.from('authors').update({ name: null }).eq('id', 1), 400, '23502'],
  ['a check', (c) => c.from('authors').insert({ id: 50, name: 'x', born: -1 }), 400, '23514'],
  ['a check, of an update', (c) => c.from('authors').update({ born: -1 }).eq('id', 1), 400, '23514'],
  ['a text that is no number', (c) => c.from('authors').insert({ id: 'x', name: 'x' }), 400, '22P02'],
  ['a number that is too large', (c) => c.from('authors').insert({ id: 3_000_000_000, name: 'x' }), 400, '22003'],
  ['a day that is none', (c) => c.from('books').update({ published: 'soon' }).eq('id', 1), 400, '22007'],
  ['a column that is not there', (c) => c.from('authors').insert({ id: 50, name: 'x', age: 3 }), 400, 'PGRST204'],
  [
    'a column that is not there, of an array',
    (c) => c.from('authors').insert([{ id: 50, name: 'x', age: 3 }]),
    400,
    'PGRST204',
  ],
  [
    'a column that is not there, of an update',
    (c) => c.from('authors').update({ age: 3 }).eq('id', 1),
    400,
    'PGRST204',
  ],
  ['an update without a filter', (c) => c.from('authors').update({ name: 'x' }), 400, '21000'],
  ['a deletion without a filter', (c) => c.from('authors').delete(), 400, '21000'],
  ['a filter on nothing', (c) => c.from('authors').delete().eq('nothing', 1), 400, '42703'],
  ['a conflict on what is not unique', (c) => c.from('things').upsert({ id: 1 }, { onConflict: 'size' }), 400, '42P10'],
  [
    'the same row twice',
    (c) =>
      c.from('things').upsert([
        { id: 1, size: 1 },
        { id: 1, size: 2 },
      ]),
    400,
    '21000',
  ],
  ['a view', (c) => c.from('long_books').insert({ id: 9 }), 405, 'PGRST117'],
  ['a table that is not there', (c) => c.from('nothing').insert({ id: 1 }), 404, 'PGRST205'],
  ['single of several', (c) => c.from('genres').update({ label: 'x' }).gte('id', 1).select().single(), 406, 'PGRST116'],
  ['single of none', (c) => c.from('genres').update({ label: 'x' }).eq('id', 99).select().single(), 406, 'PGRST116'],
  [
    'more than maxAffected',
    (c) => c.from('genres').update({ label: 'x' }).gte('id', 1).maxAffected(2),
    400,
    'PGRST124',
  ],
  [
    'a representation of a column that is not there',
    (c) => c.from('genres').update({ label: 'x' }).eq('id', 1).select('nothing'),
    400,
    '42703',
  ],
];

export function writeCases(place: UsePlace): void {
  refusals(place, wrong);

  it('leaves everything as it was where it refuses', async () => {
    const { data } = await place().client.from('genres').select().order('id');
    expect(data?.map(({ label }) => label as string)).toEqual(['novel', 'romance', 'history', 'utopia']);
    const { count } = await place().client.from('authors').select('*', { count: 'exact', head: true });
    expect(count).toBe(4);
  });

  it('says which key is taken, and by which constraint', async () => {
    const { error } = await place().client.from('authors').insert({ id: 1, name: 'x' });
    expect(error).toMatchObject({
      code: '23505',
      details: 'Key (id)=(1) already exists.',
      message: 'duplicate key value violates unique constraint "authors_pkey"',
    });
    const many = await place()
      .client.from('authors')
      .insert([
        { id: 60, name: 'x' },
        { id: 2, name: 'y' },
      ]);
    expect(many.error?.details).toBe('Key (id)=(2) already exists.');
    const missing = await place().client.from('reviews').insert({ id: 50, book_id: 99, stars: 1 });
    expect(missing.error?.details).toBe('Key (book_id)=(99) is not present in table "books".');
    const child = await place().client.from('genres').delete().eq('id', 1);
    expect([child.status, child.error?.details]).toEqual([
      409,
      expect.stringContaining('still referenced from table "book_genres"'),
    ]);
  });

  afterEach(async () => {
    await things(place().client).delete().gte('id', 0);
    await place().client.from('pairs').delete().gte('a', 0);
  });

  it('inserts', async () => {
    const { client: c } = place();
    expect(await things(c).insert({ id: 1 })).toMatchObject({ data: null, error: null, status: 201, count: null });
    expect(await things(c).select()).toMatchObject({ data: [{ id: 1, ...thing }] });
    const one = await things(c).insert({ id: 2, name: 'two', size: null }).select();
    expect(one).toMatchObject({ status: 201, data: [{ id: 2, ...thing, name: 'two', size: null }] });
    const single = await things(c).insert({ id: 3 }).select('id,size').single();
    expect(single.data).toEqual({ id: 3, size: 7 });
    const counted = await things(c).insert([{ id: 4 }, { id: 5 }], { count: 'exact' });
    expect([counted.count, counted.status]).toEqual([2, 201]);
    expect((await things(c).insert([]).select()).data).toEqual([]);
  });

  it('inserts many in their order, what is left out as null or as the default', async () => {
    const { client: c } = place();
    const rows = [{ id: 3, size: 1 }, { id: 1, name: 'one' }, { id: 2 }];
    const withNull = await things(c)
      .insert(rows.map((row) => ({ name: 'x', ...row })))
      .select('id,name,size');
    expect(withNull.data).toEqual([
      { id: 3, name: 'x', size: 1 },
      { id: 1, name: 'one', size: null },
      { id: 2, name: 'x', size: null },
    ]);
    await things(c).delete().gte('id', 0);
    const withDefaults = await things(c).insert(rows, { defaultToNull: false }).select('id,name,size');
    expect(withDefaults.data).toEqual([
      { id: 3, name: 'unnamed', size: 1 },
      { id: 1, name: 'one', size: 7 },
      { id: 2, name: 'unnamed', size: 7 },
    ]);
  });

  it('takes values of every kind, and gives them back', async () => {
    const { client: c } = place();
    const row = {
      id: 1,
      data: { a: [1, 'x', null], b: { c: true } },
      list: [1, null, 3],
      moment: '2026-03-04T05:06:07.890Z',
      exact: 12.5,
      wide: 42,
      size: 3,
    };
    const { data } = await things(c).insert(row).select().single();
    expect(data).toEqual({ ...thing, ...row, moment: '2026-03-04T05:06:07.890000Z' });
    const texts = await things(c)
      .insert({
        id: '2',
        data: 'a text',
        list: '{4,5}',
        moment: '2026-03-04',
        exact: '0.125',
        wide: '9007199254740993',
        size: '4',
      })
      .select()
      .single();
    expect(texts.data).toEqual({
      ...thing,
      id: 2,
      data: 'a text',
      list: [4, 5],
      moment: '2026-03-04T00:00:00.000000Z',
      exact: 0.125,
      wide: '9007199254740993',
      size: 4,
    });
    expect((await things(c).insert({ id: 3, data: 7, name: 8 }).select('data,name').single()).data).toEqual({
      data: 7,
      name: '8',
    });
    expect((await things(c).update({ data: null }).eq('id', 3).select('data').single()).data).toEqual({ data: null });
  });

  it('keeps odd characters', async () => {
    const { client: c } = place();
    const name = 'a"b\'c\\d, (e) {f} %_* ä😀\n"); drop table things; --';
    expect((await things(c).insert({ id: 1, name }).select('name').single()).data).toEqual({ name });
    expect((await things(c).select('id').eq('name', name)).data).toEqual([{ id: 1 }]);
  });

  it('upserts', async () => {
    const { client: c } = place();
    await things(c).insert([{ id: 1, name: 'one', code: 'x' }]);
    const merged = await things(c).upsert({ id: 1, size: 9 }).select('id,name,size,code').single();
    expect([merged.status, merged.data]).toEqual([200, { id: 1, name: 'one', size: 9, code: 'x' }]);
    const mixed = await things(c)
      .upsert([
        { id: 2, name: 'two' },
        { id: 1, name: 'uno' },
      ])
      .select('id,name');
    expect([mixed.status, mixed.data]).toEqual([
      201,
      [
        { id: 2, name: 'two' },
        { id: 1, name: 'uno' },
      ],
    ]);
    const ignored = await things(c)
      .upsert(
        [
          { id: 1, name: 'no' },
          { id: 3, name: 'three' },
        ],
        { ignoreDuplicates: true },
      )
      .select('id,name');
    expect([ignored.status, ignored.data]).toEqual([201, [{ id: 3, name: 'three' }]]);
    const byCode = await things(c)
      .upsert({ id: 1, code: 'x', name: 'by code' }, { onConflict: 'code' })
      .select('id,name');
    expect(byCode.data).toEqual([{ id: 1, name: 'by code' }]);
    expect((await things(c).upsert({ id: 1, name: 'last' })).status).toBe(200);
    expect((await things(c).select('name').eq('id', 1).single()).data).toEqual({ name: 'last' });
  });

  it('upserts by a key of two columns', async () => {
    const { client: c } = place();
    await c.from('pairs').insert([{ a: 1, b: 'x', value: 'old' }]);
    const both = [
      { a: 1, b: 'x', value: 'new' },
      { a: 1, b: 'y', value: 'other' },
    ];
    expect((await c.from('pairs').upsert(both).select()).data).toEqual(both);
    expect((await c.from('pairs').upsert(both, { onConflict: 'a,b', ignoreDuplicates: true }).select()).data).toEqual(
      [],
    );
  });

  it('updates', async () => {
    const { client: c } = place();
    await things(c).insert([{ id: 1 }, { id: 2 }, { id: 3, size: 3 }].map((row) => ({ size: 7, name: 'x', ...row })));
    expect(await things(c).update({ name: 'new' }).eq('id', 1)).toMatchObject({ status: 204, data: null, error: null });
    const two = await things(c).update({ size: 8 }).eq('size', 7).select('id,name,size').order('id');
    expect([two.status, two.data]).toEqual([
      200,
      [
        { id: 1, name: 'new', size: 8 },
        { id: 2, name: 'x', size: 8 },
      ],
    ]);
    expect((await things(c).update({ size: 1 }).eq('id', 99).select()).data).toEqual([]);
    const counted = await things(c).update({ size: 1 }, { count: 'exact' }).in('id', [1, 2]);
    expect([counted.count, counted.status]).toEqual([2, 204]);
    const or = await things(c).update({ name: 'or' }).or('id.eq.3,name.eq.new').select('id').order('id');
    expect(or.data).toEqual([{ id: 1 }, { id: 3 }]);
    expect(await things(c).update({}).eq('id', 1).select()).toMatchObject({ error: null, data: [] });
    await things(c)
      .update({ data: { a: { b: 1 } } })
      .eq('id', 1);
    const inJson = await things(c).update({ size: 5 }).eq('data->a->>b', '1').select('id,size');
    expect(inJson.data).toEqual([{ id: 1, size: 5 }]);
    expect(
      (
        await things(c)
          .update({ size: 6 })
          .contains('data', { a: { b: 1 } })
          .select('id')
      ).data,
    ).toEqual([{ id: 1 }]);
  });

  it('deletes', async () => {
    const { client: c } = place();
    await things(c).insert([1, 2, 3, 4].map((id) => ({ id })));
    expect(await things(c).delete().eq('id', 1)).toMatchObject({ status: 204, data: null });
    const gone = await things(c).delete().lte('id', 2).select('id,size');
    expect([gone.status, gone.data]).toEqual([200, [{ id: 2, size: 7 }]]);
    const counted = await things(c).delete({ count: 'exact' }).gte('id', 3);
    expect([counted.count, counted.status]).toEqual([2, 204]);
    expect((await things(c).delete().eq('id', 1).select()).data).toEqual([]);
    await things(c).insert({ id: 1 });
    expect((await things(c).delete().not('id', 'is', null).select('id').single()).data).toEqual({ id: 1 });
  });

  it('answers what is embedded in the rows that it wrote', async () => {
    const { client: c } = place();
    const inserted = await c
      .from('reviews')
      .insert({ id: 90, book_id: 1, stars: 2 })
      .select('stars,books(title,authors(name))')
      .single();
    expect(inserted.data).toEqual({ stars: 2, books: { title: 'Emma', authors: { name: 'Jane Austen' } } });
    const updated = await c.from('reviews').update({ book_id: 2 }).eq('id', 90).select('id,...books(title)');
    expect(updated.data).toEqual([{ id: 90, title: 'Persuasion' }]);
    const upserted = await c
      .from('reviews')
      .upsert([{ id: 90, book_id: 3, stars: 1 }])
      .select('books(genres(label))');
    expect(upserted.data).toEqual([{ books: { genres: [{ label: 'novel' }, { label: 'history' }] } }]);
    const deleted = await c.from('reviews').delete().eq('id', 90).select('id,books!inner(id)').single();
    expect(deleted.data).toEqual({ id: 90, books: { id: 3 } });
  });

  it('rolls back what it may not have done', async () => {
    const { client: c } = place();
    await things(c).insert([{ id: 1 }, { id: 2 }]);
    expect((await things(c).delete().gte('id', 1).select().single()).error?.details).toBe('The result contains 2 rows');
    expect((await things(c).delete().gte('id', 1).maxAffected(1)).error?.details).toBe('The query affects 2 rows');
    expect((await things(c).delete().gte('id', 1).rollback().select('id')).data).toEqual([{ id: 1 }, { id: 2 }]);
    expect((await things(c).insert({ id: 3 }).rollback().select('id')).data).toEqual([{ id: 3 }]);
    expect((await things(c).select('id').order('id')).data).toEqual([{ id: 1 }, { id: 2 }]);
    expect((await things(c).delete().gte('id', 1).maxAffected(2)).status).toBe(204);
  });

  it('writes to another schema', async () => {
    const shop = place().client.schema('shop');
    expect((await shop.from('items').insert({ id: 2, label: 'a screw' }).select()).data).toEqual([
      { id: 2, label: 'a screw' },
    ]);
    expect(
      (await shop.from('items').update({ label: 'two screws' }).eq('id', 2).select('label').single()).data,
    ).toEqual({ label: 'two screws' });
    expect((await shop.from('items').delete().eq('id', 2)).status).toBe(204);
  });

  it('writes to a table without a key', async () => {
    const { client: c } = place();
    expect(
      (
        await c
          .from('notes')
          .insert([
            { place: 9, words: 'z' },
            { place: 9, words: 'z' },
          ])
          .select()
      ).data,
    ).toHaveLength(2);
    expect((await c.from('notes').update({ words: 'y' }).eq('place', 9).select()).data).toEqual([
      { place: 9, words: 'y' },
      { place: 9, words: 'y' },
    ]);
    expect((await c.from('notes').delete().eq('place', 9).select('words')).data).toEqual([
      { words: 'y' },
      { words: 'y' },
    ]);
  });
}
