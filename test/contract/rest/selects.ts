import { expect } from 'vitest';
import { answers, type Case, ids, type Refusal, refusals, type UsePlace } from './support.ts';

const cases: readonly Case[] = [
  [
    'all columns, each in its form',
    (c) => c.from('books').select().eq('id', 2),
    [
      {
        id: 2,
        title: 'Persuasion',
        author_id: 1,
        pages: 249,
        price: 9.9,
        rating: 4.2,
        copies: 3,
        available: true,
        published: '1817-12-20',
        added: '2026-01-02T10:20:30.123456Z',
        tags: ['classic'],
        scores: [2, 3],
        meta: { cover: { colour: 'blue', size: [7, 8] }, sold: 20 },
      },
    ],
  ],
  ['some columns', (c) => c.from('authors').select('id, name').eq('id', 1), [{ id: 1, name: 'Jane Austen' }]],
  ['a renamed column', (c) => c.from('authors').select('full:name').eq('id', 1), [{ full: 'Jane Austen' }]],
  [
    'a star with a column renamed beside it',
    (c) => c.from('genres').select('*,name:label').eq('id', 1),
    [{ id: 1, label: 'novel', name: 'novel' }],
  ],
  [
    'a cast to text',
    (c) => c.from('books').select('pages::text,price::text').eq('id', 1),
    [{ pages: '474', price: '12.50' }],
  ],
  ['a cast to an integer, renamed', (c) => c.from('books').select('whole:rating::int').eq('id', 4), [{ whole: 4 }]],
  [
    'a wide integer beyond what a number holds',
    (c) => c.from('books').select('copies').eq('id', 1),
    [{ copies: '9007199254740993' }],
  ],
  [
    'a member of JSON',
    (c) => c.from('books').select('meta->cover').eq('id', 2),
    [{ cover: { colour: 'blue', size: [7, 8] } }],
  ],
  ['a text in JSON', (c) => c.from('books').select('meta->cover->>colour').eq('id', 2), [{ colour: 'blue' }]],
  [
    'a renamed path',
    (c) => c.from('books').select('id,shade:meta->cover->>colour').lte('id', 2).order('id'),
    [
      { id: 1, shade: 'red' },
      { id: 2, shade: 'blue' },
    ],
  ],
  ['an element of a list in JSON', (c) => c.from('books').select('meta->cover->size->1').eq('id', 1), [{ size: 20 }]],
  ['an element from the end', (c) => c.from('books').select('last:meta->cover->size->-1').eq('id', 1), [{ last: 20 }]],
  ['a path cast to a number', (c) => c.from('books').select('sold:meta->>sold::int').eq('id', 3), [{ sold: 100 }]],
  [
    'a path that leads to nothing',
    (c) => c.from('books').select('meta->nothing->>at_all').eq('id', 1),
    [{ at_all: null }],
  ],
  ['an element of a list', (c) => c.from('books').select('first:tags->>0').eq('id', 3), [{ first: 'classic' }]],
  [
    'columns with odd names',
    (c) => c.from('sql').select('"odd name","a.b",word:"select"'),
    [{ 'odd name': 'y', 'a.b': 'z', word: 'x' }],
  ],
  [
    'rows as they are stored',
    (c) => c.from('notes').select(),
    [
      { place: 3, words: 'c' },
      { place: 1, words: 'a' },
      { place: 2, words: 'b' },
      { place: 1, words: 'a' },
    ],
  ],
  ['count', (c) => c.from('books').select('count()'), [{ count: 5 }]],
  ['count without brackets', (c) => c.from('books').select('count'), [{ count: 5 }]],
  [
    'sum, avg, min and max',
    (c) => c.from('books').select('pages.sum(),pages.avg(),low:pages.min(),high:pages.max()'),
    [{ sum: 2409, avg: 481.8, low: 120, high: 1225 }],
  ],
  ['a sum of decimals', (c) => c.from('books').select('price.sum()'), [{ sum: 62.4 }]],
  ['a count of values', (c) => c.from('books').select('price.count()'), [{ count: 4 }]],
  ['a sum cast to text', (c) => c.from('books').select('pages.sum()::text'), [{ sum: '2409' }]],
  [
    'groups',
    (c) => c.from('books').select('author_id,count(),pages.sum()').not('author_id', 'is', null).order('author_id'),
    [
      { author_id: 1, count: 2, sum: 723 },
      { author_id: 2, count: 1, sum: 1225 },
      { author_id: 3, count: 1, sum: 341 },
    ],
  ],
  [
    'groups of what JSON holds',
    (c) =>
      c
        .from('books')
        .select('shade:meta->cover->>colour,count()')
        .not('meta->cover', 'is', null)
        .order('meta->cover->>colour'),
    [
      { shade: 'blue', count: 1 },
      { shade: 'red', count: 1 },
    ],
  ],
  ['a sum of what JSON holds', (c) => c.from('books').select('meta->>sold::int.sum()'), [{ sum: 129 }]],
  ['order, ascending', (c) => c.from('books').select('id').order('pages'), ids(5, 2, 4, 1, 3)],
  ['order, descending', (c) => c.from('books').select('id').order('pages', { ascending: false }), ids(3, 1, 4, 2, 5)],
  ['order with null last by itself', (c) => c.from('books').select('id').order('price'), ids(2, 1, 4, 3, 5)],
  [
    'order with null first by itself, descending',
    (c) => c.from('books').select('id').order('price', { ascending: false }),
    ids(5, 3, 4, 1, 2),
  ],
  ['nullsFirst', (c) => c.from('books').select('id').order('price', { nullsFirst: true }), ids(5, 2, 1, 4, 3)],
  [
    'nullsFirst: false, descending',
    (c) => c.from('books').select('id').order('price', { ascending: false, nullsFirst: false }),
    ids(3, 4, 1, 2, 5),
  ],
  ['order by two columns', (c) => c.from('books').select('id').order('available').order('pages'), ids(3, 2, 4, 1, 5)],
  [
    'order by JSON',
    (c) => c.from('books').select('id').order('meta->cover->>colour', { nullsFirst: false }).order('id').limit(2),
    ids(2, 1),
  ],
  [
    'order by a column that another one is renamed to',
    (c) => c.from('authors').select('name:country').order('name').limit(2),
    [{ name: null }, { name: 'England' }],
  ],
  ['limit', (c) => c.from('books').select('id').order('id').limit(2), ids(1, 2)],
  ['limit 0', (c) => c.from('books').select('id').limit(0), []],
  ['range', (c) => c.from('books').select('id').order('id').range(1, 2), ids(2, 3)],
  ['range beyond the end', (c) => c.from('books').select('id').order('id').range(10, 20), []],
  ['single', (c) => c.from('authors').select('name').eq('id', 1).single(), { name: 'Jane Austen' }],
  ['maybeSingle of one', (c) => c.from('authors').select('name').eq('id', 1).maybeSingle(), { name: 'Jane Austen' }],
  ['maybeSingle of none', (c) => c.from('authors').select('name').eq('id', 9).maybeSingle(), null],
  ['nulls left out', (c) => c.from('authors').select().eq('id', 4).stripNulls(), [{ id: 4, name: 'Anonymous' }]],
  [
    'nulls left out, of one',
    (c) => c.from('authors').select().eq('id', 4).single().stripNulls(),
    { id: 4, name: 'Anonymous' },
  ],
  [
    'CSV',
    (c) => c.from('authors').select('id,name,country').gte('id', 3).order('id').csv(),
    'id,name,country\r\n3,Ursula K. Le Guin,USA\r\n4,Anonymous,\r\n',
  ],
  ['CSV of nothing', (c) => c.from('authors').select('id,name').eq('id', 9).csv(), 'id,name\r\n'],
  [
    'CSV of JSON',
    (c) => c.from('books').select('meta->cover->size').eq('id', 2).csv(),
    expect.stringMatching(/^size\r\n"\[7, ?8\]"\r\n$/),
  ],
  ['another schema', (c) => c.schema('shop').from('items').select(), [{ id: 1, label: 'a nail' }]],
  ['a view', (c) => c.from('long_books').select().order('id').limit(1), [{ id: 1, title: 'Emma', pages: 474 }]],
  ['a table whose name is that of a function', (c) => c.from('sql').select('id'), ids(1)],
  ['no columns, a head and a count', (c) => c.from('books').select('*', { count: 'exact', head: true }), null],
];

const wrong: readonly Refusal[] = [
  ['a column that is not there', (c) => c.from('books').select('id,nothing'), 400, '42703'],
  ['a type that is none', (c) => c.from('books').select('id::secret'), 400, '42704'],
  ['a type with more in it', (c) => c.from('books').select('id::"text); drop table books; --"'), 400, '42704'],
  ['a cast that fails', (c) => c.from('books').select('title::int'), 400, '22P02'],
  ['an aggregate that is none', (c) => c.from('books').select('pages.median()'), 400, 'PGRST100'],
  ['a sum of texts', (c) => c.from('books').select('title.sum()'), 404, '42883'],
  ['a select that does not end', (c) => c.from('books').select('id,authors(name'), 400, 'PGRST100'],
  ['single of several', (c) => c.from('books').select().single(), 406, 'PGRST116'],
  ['single of none', (c) => c.from('books').select().eq('id', 99).single(), 406, 'PGRST116'],
  ['an order by nothing', (c) => c.from('books').select().order('nothing'), 400, '42703'],
  ['a schema that is not there', (c) => c.schema('secret').from('items').select(), 406, 'PGRST106'],
  ["Eider's own schema", (c) => c.schema('eider').from('idempotency_keys').select(), 406, 'PGRST106'],
  ['a plan', (c) => c.from('books').select().explain(), 406, 'PGRST107'],
  [
    'a range beyond what was counted',
    (c) => c.from('books').select('id', { count: 'exact' }).range(10, 20),
    416,
    'PGRST103',
  ],
];

export function selectCases(place: UsePlace): void {
  answers(place, cases);
  refusals(place, wrong);
}
