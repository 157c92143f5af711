/** Texts that would be statements if they were not quoted, wherever a request has a text: nothing comes of them. */
import { expect, it } from 'vitest';
import type { UsePlace } from './support.ts';

const hostile = [
  `x'); delete from reviews; --`,
  `x"; delete from reviews; --`,
  `x") from (delete from reviews returning *) --`,
  `(select words from reviews limit 1)`,
  `x\\'; delete from reviews; --`,
  `$1`,
  `t.rowid`,
  `eider.idempotency_keys`,
  `read_text('/etc/passwd')`,
  `pg_read_file('/etc/passwd')`,
  `nextval('x')`,
  `__proto__`,
  `constructor`,
];
const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
const query = (parameters: Readonly<Record<string, string>>): string => new URLSearchParams(parameters).toString();

export function escapeCases(place: UsePlace): void {
  const state = async () => {
    const { client } = place();
    const { data } = await client.from('reviews').select().order('id');
    return data;
  };

  /** As somebody who may only read. */
  const ask = (path: string, init: RequestInit = {}) => fetch(`${place().origin}/api/rest/v1/${path}`, init);

  it.each(hostile)('%s', async (text) => {
    const before = await state();
    const name = quoted(text);
    const paths = [
      `books?${query({ select: `${name}:title`, id: 'eq.1' })}`,
      `books?${query({ select: name })}`,
      `books?${query({ select: `title::${name}` })}`,
      `books?${query({ select: `meta->${name}->>${name}` })}`,
      `books?${query({ select: `${name}(id)` })}`,
      `books?${query({ select: `authors!${name}(id)` })}`,
      `books?${query({ select: `${name}:authors(${name}:name)`, id: 'eq.1' })}`,
      `books?${query({ select: 'id', order: name })}`,
      `books?${query({ select: 'id', order: `meta->>${name}.desc` })}`,
      `books?${query({ select: 'id', title: `eq.${text}` })}`,
      `books?${query({ select: 'id', title: `in.(${name})` })}`,
      `books?${query({ select: 'id', title: `like.${text}` })}`,
      `books?${query({ select: 'id', tags: `cs.{${name}}` })}`,
      `books?${query({ select: 'id', or: `(title.eq.${name},title.like.${name})` })}`,
      `books?${query({ select: 'id', [name]: 'eq.1' })}`,
      `books?${query({ select: 'id', [`meta->>${name}`]: 'eq.1' })}`,
      `books?${query({ select: 'id', limit: text })}`,
      `${encodeURIComponent(text)}?select=id`,
      `rpc/${encodeURIComponent(text)}`,
      `rpc/greet?${query({ name: text })}`,
      `rpc/greet?${query({ [text]: 'x', name: 'y' })}`,
      `rpc/books_longer?${query({ min_pages: text })}`,
      `rpc/books_longer?${query({ min_pages: '1', select: `${name}:id`, order: name })}`,
    ];
    const answers = await Promise.all(paths.map((path) => ask(path)));
    expect(answers.filter(({ status }) => status >= 500).map(({ url }) => url)).toEqual([]);
    const aliased = (await answers[0]?.json()) as object[];
    expect(Object.entries(aliased[0] ?? {})).toEqual([[text, 'Emma']]);
    expect(await answers[19]?.json()).toBe(`Hello, ${text}`);
    expect(await answers[2]?.json()).toMatchObject({ code: '42704' });
    const written = await ask(`reviews?${query({ id: `eq.${text}` })}`, { method: 'DELETE' });
    expect(written.status).toBe(401);
    const profiled = await ask('books?select=id', { headers: { 'accept-profile': encodeURIComponent(text) } });
    expect(profiled.status).toBe(406);
    expect(await state()).toEqual(before);
  });
}
