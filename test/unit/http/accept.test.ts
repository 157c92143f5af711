import { describe, expect, it } from 'vitest';
import { negotiate } from '../../../lib/http/accept.ts';

const offered = ['application/json', 'text/csv', 'application/vnd.apache.parquet'] as const;
const chosen = (accept: string | null) => negotiate(new Headers(accept === null ? {} : { accept }), offered);

describe('the header accept', () => {
  it.each([
    [null, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv', 'text/csv'],
    ['TEXT/CSV; q=0.3', 'text/csv'],
    ['text/*', 'text/csv'],
    ['application/json;q=0.5, text/csv', 'text/csv'],
    ['application/json;q=0.5, text/csv;q=0.4', 'application/json'],
    ['*/*;q=0.1, application/vnd.apache.parquet', 'application/vnd.apache.parquet'],
    ['application/json;q=0, */*', 'text/csv'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'application/json'],
    ['application/json; charset=utf-8', 'application/json'],
  ])('%j gets %s', (accept, type) => expect(chosen(accept)).toBe(type));

  it.each(['text/html', 'application/json;q=0', '*/*;q=0', 'nonsense', 'application/json;q=x', ','])(
    '%j gets nothing',
    (accept) => expect(() => chosen(accept)).toThrow(/application\/json, text\/csv/),
  );
});
