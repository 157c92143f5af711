import { describe, expect, it, test } from 'vitest';
import { couldBeOfAnyPage, whyNotLocal } from '../../../lib/http/locality.ts';

const peer = { 'x-real-ip': '127.0.0.1' };

function judge(headers: Record<string, string>, url = 'http://localhost:3000/api/students', allowed: string[] = []) {
  return whyNotLocal(new Request(url, { headers }), allowed);
}

describe('a request of this machine', () => {
  it.each<[string, Record<string, string>, string?]>([
    ['as vercel dev hands it over', { ...peer, host: 'localhost:3000', 'x-forwarded-for': '127.0.0.1' }],
    [
      'with all that vercel dev adds',
      {
        ...peer,
        'x-forwarded-host': '127.0.0.1:3000',
        'x-vercel-deployment-url': '127.0.0.1:3000',
        'x-vercel-forwarded-for': '127.0.0.1',
      },
    ],
    ['over IPv6', { 'x-real-ip': '::1' }, 'http://[::1]:3000/api/students'],
    ['over IPv4 in IPv6', { 'x-real-ip': '::ffff:127.0.0.1' }],
    ['by another address of loopback', { 'x-real-ip': '127.1.2.3' }],
    ['without a port', peer, 'http://localhost/'],
    ['of a page of this server', { ...peer, origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' }],
    ['that was typed into a browser', { ...peer, 'sec-fetch-site': 'none' }],
  ])('%s', (_, headers, url) => expect(judge(headers, url)).toBeNull());

  it('may be one of a page that is named', () => {
    const headers = { ...peer, origin: 'http://localhost:5173', 'sec-fetch-site': 'same-site' };
    expect(judge(headers)).toMatch(/another origin/);
    expect(judge(headers, undefined, ['http://localhost:5173'])).toBeNull();
    // Everyone is nobody in particular.
    expect(judge(headers, undefined, ['*'])).toMatch(/another origin/);
  });
});

describe('a request that does not come from this machine', () => {
  it.each<Record<string, string>>([
    {},
    { 'x-real-ip': '192.168.1.20' },
    { 'x-real-ip': '' },
    { 'x-real-ip': 'localhost' },
    { 'x-real-ip': '127.0.0.1.evil.example' },
    { 'x-real-ip': '127.0.0.1, 10.0.0.1' },
    { 'x-real-ip': '2130706433' },
    { 'x-real-ip': '0.0.0.0' },
    { 'x-real-ip': '::ffff:10.0.0.1' },
    { ...peer, 'x-forwarded-for': '203.0.113.9, 127.0.0.1' },
    { ...peer, 'x-forwarded-for': 'unknown' },
    { ...peer, 'x-vercel-forwarded-for': '203.0.113.9' },
    { ...peer, forwarded: 'for=127.0.0.1' },
    { ...peer, via: '1.1 proxy' },
  ])('%j', (headers) => expect(judge(headers)).toMatch(/comes from another machine/));
});

describe('a name that was made to lead here', () => {
  it.each<[Record<string, string>, string?]>([
    [peer, 'http://evil.example/api/students'],
    [peer, 'http://localhost.evil.example/api/students'],
    [peer, 'http://192.168.1.2:3000/api/students'],
    [{ ...peer, host: 'evil.example' }],
    [{ ...peer, 'x-forwarded-host': 'evil.example' }],
    // A page under a name of its own may set x-forwarded-host; what vercel dev makes of Host it cannot.
    [{ ...peer, 'x-forwarded-host': 'localhost:3000', 'x-vercel-deployment-url': 'evil.example:3000' }],
  ])('%j %s', (headers, url) => expect(judge(headers, url)).toMatch(/names a host/));
});

test.each<Record<string, string>>([
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { origin: 'http://localhost:3001' },
  { origin: 'https://localhost:3000' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
])('a page of another origin: %j', (headers) => {
  expect(judge({ ...peer, ...headers })).toMatch(/another origin/);
});

test.each<[string, string, Record<string, string>, boolean]>([
  ['a form', 'POST', { 'content-type': 'application/x-www-form-urlencoded' }, true],
  ['a text', 'POST', { 'content-type': 'text/plain;charset=UTF-8' }, true],
  ['an image', 'GET', {}, true],
  ['JSON', 'POST', { 'content-type': 'application/json' }, false],
  ['CSV', 'POST', { 'content-type': 'text/csv' }, false],
  ['a program without a body', 'POST', {}, false],
  ['the driver of Neon', 'POST', { 'content-type': 'text/plain', 'neon-connection-string': 'x' }, false],
  ['a page of this server', 'POST', { 'content-type': 'text/plain', 'sec-fetch-site': 'same-origin' }, false],
])('what any page could send without saying where it is from: %s', (_, method, headers, expected) => {
  expect(couldBeOfAnyPage(new Request('http://localhost/api/import', { method, headers }))).toBe(expected);
});
