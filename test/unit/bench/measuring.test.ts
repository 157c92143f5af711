import { expect, test } from 'vitest';
import { interleave, median, quantile } from '../../../bench/harness.ts';
import { parseAnswer } from '../../../bench/http-client.ts';
import { shownNumber } from '../../../bench/shown.ts';

test('a quantile lies where that part of the values is below', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1])).toBe(2.5);
  expect(quantile([1, 2, 3, 4, 5], 1)).toBe(5);
  expect(() => median([])).toThrow(RangeError);
});

test('things take turns, each begins a round, and rounds to warm up do not count', async () => {
  const order: string[] = [];
  const thing = (name: string) => (round: number) => {
    order.push(name);
    return Promise.resolve(round);
  };
  const measured = await interleave({ rounds: 2, warmUp: 1 }, { a: thing('a'), b: thing('b') });
  expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
  expect(measured).toEqual({ a: [1, 2], b: [1, 2] });
});

const head = (headers: string) => `HTTP/1.1 201 Created\r\n${headers}\r\n\r\n`;

test('an answer is complete when its length says so, or its last chunk', () => {
  expect(parseAnswer('HTTP/1.1 200 OK\r\nContent-Le')).toBeNull();
  expect(parseAnswer(`${head('Content-Length: 5')}hell`)).toBeNull();
  expect(parseAnswer(`${head('Content-Length: 5')}hello`)).toEqual({ status: 201, text: 'hello' });
  const chunked = head('Transfer-Encoding: chunked');
  expect(parseAnswer(`${chunked}3\r\nhel\r\n2\r\nlo\r\n`)).toBeNull();
  expect(parseAnswer(`${chunked}3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`)).toEqual({ status: 201, text: 'hello' });
  // The bytes of one letter may lie in two chunks.
  expect(parseAnswer(`${chunked}1\r\n\xc3\r\n1\r\n\xa4\r\n0\r\n\r\n`)).toEqual({ status: 201, text: 'ä' });
});

test.each([
  [0, '0'],
  [1234.5, '1,235'],
  [12.345, '12.3'],
  [1.2345, '1.23'],
  [0.012345, '0.012'],
])('%d is shown as %s', (value, text) => expect(shownNumber(value)).toBe(text));
