import { answers, type Case, ids, type Refusal, refusals, type UsePlace } from './support.ts';

const emma = { title: 'Emma' };
const austen = { name: 'Jane Austen' };

const cases: readonly Case[] = [
  ['to one', (c) => c.from('books').select('title,authors(name)').eq('id', 1), [{ ...emma, authors: austen }]],
  [
    'to one that is missing',
    (c) => c.from('books').select('title,authors(name)').eq('id', 5),
    [{ title: 'Beowulf', authors: null }],
  ],
  [
    'to one by its column',
    (c) => c.from('books').select('title,author_id(name)').eq('id', 1),
    [{ ...emma, author_id: austen }],
  ],
  [
    'to one by the name of its key',
    (c) => c.from('books').select('title,books_author_id_fkey(name)').eq('id', 1),
    [{ ...emma, books_author_id_fkey: austen }],
  ],
  [
    'to one with an alias and a hint',
    (c) => c.from('books').select('title,writer:authors!author_id(name)').eq('id', 1),
    [{ ...emma, writer: austen }],
  ],
  [
    'to one with the hint of its key',
    (c) => c.from('books').select('writer:authors!books_author_id_fkey(name)').eq('id', 1),
    [{ writer: austen }],
  ],
  [
    'to one, all columns',
    (c) => c.from('reviews').select('id,books(*)').eq('id', 4).limit(1),
    [
      {
        id: 4,
        books: {
          id: 3,
          title: 'War and Peace',
          author_id: 2,
          pages: 1225,
          price: 25,
          rating: 4.3,
          copies: 1,
          available: false,
          published: '1869-01-01',
          added: '2026-01-03T00:00:00.000000Z',
          tags: ['classic', 'war'],
          scores: [5],
          meta: { sold: 100, note: null },
        },
      },
    ],
  ],
  [
    'to many',
    (c) => c.from('authors').select('name,books(title)').eq('id', 1),
    [{ ...austen, books: [{ title: 'Emma' }, { title: 'Persuasion' }] }],
  ],
  [
    'to many of none',
    (c) => c.from('authors').select('name,books(title)').eq('id', 4),
    [{ name: 'Anonymous', books: [] }],
  ],
  [
    'to many with a hint',
    (c) => c.from('authors').select('works:books!author_id(id)').eq('id', 1),
    [{ works: ids(1, 2) }],
  ],
  [
    'to one of one, from the side without the key',
    (c) => c.from('authors').select('id,passports(number)').in('id', [1, 2]).order('id'),
    [
      { id: 1, passports: { number: 'EN-1' } },
      { id: 2, passports: null },
    ],
  ],
  [
    'to one of one, from the side with the key',
    (c) => c.from('passports').select('number,authors(name)').eq('id', 1),
    [{ number: 'EN-1', authors: austen }],
  ],
  [
    'many to many',
    (c) => c.from('books').select('title,genres(label)').eq('id', 1),
    [{ ...emma, genres: [{ label: 'novel' }, { label: 'romance' }] }],
  ],
  [
    'many to many, the other way',
    (c) => c.from('genres').select('label,books(title)').eq('id', 2),
    [{ label: 'romance', books: [{ title: 'Emma' }, { title: 'Persuasion' }] }],
  ],
  [
    'many to many with the join table as the hint',
    (c) => c.from('books').select('genres!book_genres(id)').eq('id', 4),
    [{ genres: ids(4) }],
  ],
  [
    'the join table itself',
    (c) => c.from('book_genres').select('books(title),genres(label)').eq('book_id', 4),
    [{ books: { title: 'The Dispossessed' }, genres: { label: 'utopia' } }],
  ],
  [
    'nested',
    (c) => c.from('authors').select('name,books(title,reviews(stars))').eq('id', 1),
    [
      {
        ...austen,
        books: [
          { title: 'Emma', reviews: [{ stars: 5 }, { stars: 3 }] },
          { title: 'Persuasion', reviews: [{ stars: 4 }] },
        ],
      },
    ],
  ],
  [
    'nested, to one and back',
    (c) => c.from('reviews').select('stars,books(title,authors(name,books(id)))').eq('id', 3),
    [{ stars: 4, books: { title: 'Persuasion', authors: { ...austen, books: ids(1, 2) } } }],
  ],
  [
    'children of itself by the name',
    (c) => c.from('employees').select('name,employees(name)').eq('id', 1),
    [{ name: 'Ada', employees: [{ name: 'Bob' }, { name: 'Cy' }] }],
  ],
  [
    'children of itself by name and column',
    (c) => c.from('employees').select('name,reports:employees!manager_id(name)').eq('id', 2),
    [{ name: 'Bob', reports: [{ name: 'Di' }] }],
  ],
  [
    'the parent of itself by the column',
    (c) => c.from('employees').select('name,manager_id(name)').eq('id', 4),
    [{ name: 'Di', manager_id: { name: 'Bob' } }],
  ],
  [
    'the parent of the parent',
    (c) => c.from('employees').select('name,boss:manager_id(name,boss:manager_id(name))').eq('id', 4),
    [{ name: 'Di', boss: { name: 'Bob', boss: { name: 'Ada' } } }],
  ],
  [
    'two references to one table, told by their columns',
    (c) => c.from('messages').select('body,from:employees!sender_id(name),to:employees!receiver_id(name)').eq('id', 1),
    [{ body: 'hello', from: { name: 'Ada' }, to: { name: 'Bob' } }],
  ],
  [
    'two references from one table, told by their columns',
    (c) => c.from('employees').select('sent:messages!sender_id(id),got:messages!receiver_id(id)').eq('id', 1),
    [{ sent: ids(1), got: ids(2, 3) }],
  ],
  [
    'inner',
    (c) => c.from('authors').select('id,books!inner(id)').order('id'),
    [
      { id: 1, books: ids(1, 2) },
      { id: 2, books: ids(3) },
      { id: 3, books: ids(4) },
    ],
  ],
  [
    'inner of a to-one',
    (c) => c.from('books').select('id,authors!inner(id)').gte('id', 4).order('id'),
    [{ id: 4, authors: { id: 3 } }],
  ],
  [
    'inner of many to many',
    (c) => c.from('books').select('id,genres!inner(id)').eq('genres.id', 3),
    [{ id: 3, genres: ids(3) }],
  ],
  [
    'inner with a filter on the embedded',
    (c) => c.from('authors').select('id,books!inner(id)').gt('books.pages', 300).order('id'),
    [
      { id: 1, books: ids(1) },
      { id: 2, books: ids(3) },
      { id: 3, books: ids(4) },
    ],
  ],
  [
    'inner within inner',
    (c) => c.from('authors').select('id,books!inner(id,reviews!inner(stars))').eq('books.reviews.stars', 4),
    [{ id: 1, books: [{ id: 2, reviews: [{ stars: 4 }] }] }],
  ],
  ['left', (c) => c.from('books').select('id,authors!left(id)').eq('id', 5), [{ id: 5, authors: null }]],
  [
    'a filter on the embedded keeps the parents',
    (c) => c.from('authors').select('id,books(id)').eq('books.title', 'Emma').lte('id', 2).order('id'),
    [
      { id: 1, books: ids(1) },
      { id: 2, books: [] },
    ],
  ],
  [
    'a filter by the alias of the embedded',
    (c) => c.from('authors').select('id,works:books(id)').gt('works.pages', 300).eq('id', 1),
    [{ id: 1, works: ids(1) }],
  ],
  [
    'or on the embedded',
    (c) =>
      c
        .from('authors')
        .select('books(id)')
        .or('id.eq.2,pages.gt.1000', { referencedTable: 'books' })
        .lte('id', 2)
        .order('id'),
    [{ books: ids(2) }, { books: ids(3) }],
  ],
  [
    'or on the nested',
    (c) =>
      c
        .from('authors')
        .select('books(reviews(id))')
        .or('stars.eq.3,stars.eq.4', { referencedTable: 'books.reviews' })
        .eq('id', 1),
    [{ books: [{ reviews: ids(2) }, { reviews: ids(3) }] }],
  ],
  [
    'order of the embedded',
    (c) => c.from('authors').select('books(id)').order('pages', { referencedTable: 'books' }).eq('id', 1),
    [{ books: ids(2, 1) }],
  ],
  [
    'order of the embedded, descending',
    (c) =>
      c.from('books').select('genres(id)').order('id', { referencedTable: 'genres', ascending: false }).eq('id', 1),
    [{ genres: ids(2, 1) }],
  ],
  [
    'limit of the embedded, for each parent',
    (c) =>
      c
        .from('authors')
        .select('id,books(id)')
        .limit(1, { referencedTable: 'books' })
        .order('pages', { referencedTable: 'books' })
        .lte('id', 3)
        .order('id'),
    [
      { id: 1, books: ids(2) },
      { id: 2, books: ids(3) },
      { id: 3, books: ids(4) },
    ],
  ],
  [
    'range of the embedded',
    (c) =>
      c
        .from('authors')
        .select('books(id)')
        .order('id', { referencedTable: 'books' })
        .range(1, 5, { referencedTable: 'books' })
        .lte('id', 2)
        .order('id'),
    [{ books: ids(2) }, { books: [] }],
  ],
  [
    'limit of many to many',
    (c) =>
      c
        .from('books')
        .select('id,genres(id)')
        .limit(1, { referencedTable: 'genres' })
        .order('id', { referencedTable: 'genres' })
        .lte('id', 2)
        .order('id'),
    [
      { id: 1, genres: ids(1) },
      { id: 2, genres: ids(1) },
    ],
  ],
  [
    'order by a to-one',
    (c) =>
      c
        .from('books')
        .select('id,authors(name)')
        .not('author_id', 'is', null)
        .order('authors(name)', { ascending: false })
        .order('id')
        .limit(2),
    [
      { id: 4, authors: { name: 'Ursula K. Le Guin' } },
      { id: 3, authors: { name: 'Leo Tolstoy' } },
    ],
  ],
  ['parents without the embedded', (c) => c.from('authors').select('id,books()').is('books', null), ids(4)],
  [
    'parents with the embedded',
    (c) => c.from('authors').select('id,books()').not('books', 'is', null).order('id'),
    ids(1, 2, 3),
  ],
  [
    'parents without an embedded that passes',
    (c) => c.from('authors').select('id,books()').eq('books.title', 'Emma').is('books', null).order('id'),
    ids(2, 3, 4),
  ],
  [
    'parents by the embedded or a column',
    (c) =>
      c
        .from('authors')
        .select('id,books(),passports()')
        .gt('books.pages', 1000)
        .or('books.not.is.null,passports.not.is.null')
        .order('id'),
    ids(1, 2, 3),
  ],
  [
    'a count of the embedded',
    (c) => c.from('authors').select('id,books(count)').order('id'),
    [
      { id: 1, books: [{ count: 2 }] },
      { id: 2, books: [{ count: 1 }] },
      { id: 3, books: [{ count: 1 }] },
      { id: 4, books: [{ count: 0 }] },
    ],
  ],
  [
    'a sum of the embedded',
    (c) => c.from('authors').select('id,books(pages.sum())').in('id', [1, 4]).order('id'),
    [
      { id: 1, books: [{ sum: 723 }] },
      { id: 4, books: [{ sum: null }] },
    ],
  ],
  [
    'groups of the embedded',
    (c) => c.from('books').select('id,reviews(stars,count())').eq('id', 1),
    [
      {
        id: 1,
        reviews: inAnyOrder([
          { stars: 5, count: 1 },
          { stars: 3, count: 1 },
        ]),
      },
    ],
  ],
  [
    'a count of many to many',
    (c) => c.from('genres').select('id,books(count)').order('id'),
    [
      { id: 1, books: [{ count: 3 }] },
      { id: 2, books: [{ count: 2 }] },
      { id: 3, books: [{ count: 1 }] },
      { id: 4, books: [{ count: 1 }] },
    ],
  ],
  [
    'spread to one',
    (c) => c.from('books').select('title,...authors(author:name,country)').eq('id', 1),
    [{ ...emma, author: 'Jane Austen', country: 'England' }],
  ],
  [
    'spread to one that is missing',
    (c) => c.from('books').select('title,...authors(name)').eq('id', 5),
    [{ title: 'Beowulf', name: null }],
  ],
  [
    'spread twice',
    (c) => c.from('reviews').select('id,...books(title,...authors(name))').eq('id', 1),
    [{ id: 1, title: 'Emma', name: 'Jane Austen' }],
  ],
  [
    'spread to many',
    (c) => c.from('authors').select('name,...books(titles:title,pages)').eq('id', 1),
    [{ ...austen, titles: ['Emma', 'Persuasion'], pages: [474, 249] }],
  ],
  [
    'spread to many of none',
    (c) => c.from('authors').select('id,...books(titles:title)').eq('id', 4),
    [{ id: 4, titles: [] }],
  ],
  [
    'an embedding within a spread',
    (c) => c.from('reviews').select('id,...books(title,genres(label))').eq('id', 4),
    [{ id: 4, title: 'War and Peace', genres: [{ label: 'novel' }, { label: 'history' }] }],
  ],
  [
    'a sum beside a spread column, which groups',
    (c) =>
      c.from('books').select('...authors(country),pages.sum()').not('author_id', 'is', null).order('authors(country)'),
    [
      { country: 'England', sum: 723 },
      { country: 'Russia', sum: 1225 },
      { country: 'USA', sum: 341 },
    ],
  ],
  [
    'a sum in a spread, at the level of the parent',
    (c) => c.from('reviews').select('stars,...books(total:pages.sum())').eq('stars', 5),
    [{ stars: 5, total: 474 + 1225 + 341 }],
  ],
  [
    'a nested embedding that is spread',
    (c) => c.from('authors').select('id,books(id,...authors(name))').eq('id', 2),
    [{ id: 2, books: [{ id: 3, name: 'Leo Tolstoy' }] }],
  ],
  [
    'a member of JSON in the embedded',
    (c) => c.from('authors').select('books(shade:meta->cover->>colour)').eq('id', 1),
    [{ books: [{ shade: 'red' }, { shade: 'blue' }] }],
  ],
  [
    'single with an embedding',
    (c) => c.from('books').select('title,authors(name)').eq('id', 1).single(),
    { ...emma, authors: austen },
  ],
  [
    'a count with an inner embedding',
    (c) => c.from('authors').select('id,books!inner(id)', { count: 'exact', head: true }),
    null,
  ],
  [
    'CSV with an embedding',
    (c) => c.from('books').select('id,authors(id)').eq('id', 1).csv(),
    'id,authors\r\n1,"{""id"":1}"\r\n',
  ],
];

/** In any order. */
function inAnyOrder(rows: readonly object[]): unknown {
  return {
    asymmetricMatch: (given: unknown) =>
      JSON.stringify([...(given as object[])].map((r) => JSON.stringify(r)).toSorted()) ===
      JSON.stringify(rows.map((r) => JSON.stringify(r)).toSorted()),
  };
}

const wrong: readonly Refusal[] = [
  ['what is not related', (c) => c.from('books').select('employees(*)'), 400, 'PGRST200'],
  ['what is not there', (c) => c.from('books').select('nothing(*)'), 400, 'PGRST200'],
  ['a hint of nothing', (c) => c.from('books').select('authors!nothing(*)'), 400, 'PGRST200'],
  [
    'the name of a key to itself as a hint',
    (c) => c.from('employees').select('employees!employees_manager_id_fkey(*)'),
    400,
    'PGRST200',
  ],
  ['one of several', (c) => c.from('messages').select('employees(*)'), 300, 'PGRST201'],
  ['a filter on what is not embedded', (c) => c.from('books').select('id').eq('authors.name', 'x'), 400, 'PGRST108'],
  ['an order on what is not embedded', (c) => c.from('books').select('id').order('authors(name)'), 400, 'PGRST108'],
  ['an order by a to-many', (c) => c.from('authors').select('id,books(id)').order('books(id)'), 400, 'PGRST118'],
  ['an operator on an embedding', (c) => c.from('authors').select('id,books(id)').eq('books', 1), 400, 'PGRST120'],
  ['a column that the embedded lacks', (c) => c.from('authors').select('books(name)'), 400, '42703'],
  [
    'embeddings deeper than any answer',
    (c) => c.from('authors').select('books(authors('.repeat(6) + 'id' + '))'.repeat(6)),
    400,
    'PGRST100',
  ],
];

export function embedCases(place: UsePlace): void {
  answers(place, cases);
  refusals(place, wrong);
}
