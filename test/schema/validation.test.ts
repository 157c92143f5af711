import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isAppError } from '../../lib/errors.ts';
import { newId } from '../../lib/schema/identifiers.ts';
import { momentOfMillis, parseDay, parseMoment } from '../../lib/schema/moments.ts';
import type { Table } from '../../lib/schema/table.ts';
import { courses } from '../../lib/schema/tables/courses.ts';
import { enrollments } from '../../lib/schema/tables/enrollments.ts';
import { students } from '../../lib/schema/tables/students.ts';
import { type InputMode, inputSchema, parseInput } from '../../lib/schema/validation.ts';
import { testRuntime } from '../support/runtime.ts';
import { samples } from '../support/samples.ts';

function faults(table: Table, mode: InputMode, input: unknown): Record<string, string> {
  try {
    parseInput(table, mode, input);
  } catch (error) {
    if (!isAppError(error, 'invalid')) throw error;
    return Object.fromEntries((error.fields ?? []).map(({ path, message }) => [path, message]));
  }
  return {};
}

const student = (values: object) => ({ name: 'Ada', email: 'ada@example.org', ...values });

describe('a whole row', () => {
  it('is trimmed, normalised and filled with defaults', () => {
    expect(parseInput(students, 'whole', { name: '  Zoe\u0308 \n', email: ' Ada.L@Example.ORG ' })).toEqual({
      name: 'Zoë',
      email: 'ada.l@example.org',
    });
    const ids = {
      student_id: '0193F0C0-0000-7000-8000-000000000001',
      course_id: '0193f0c0-0000-7000-8000-000000000002',
    };
    expect(parseInput(enrollments, 'whole', { ...ids, term: '2026' })).toEqual({
      student_id: '0193f0c0-0000-7000-8000-000000000001',
      course_id: ids.course_id,
      term: '2026',
      status: 'enrolled',
      grade: null,
    });
  });

  it('must have every required field', () => {
    expect(faults(courses, 'whole', {})).toEqual({ code: 'is required', title: 'is required', credits: 'is required' });
  });

  it('refuses unknown fields, and those that the server sets, by name', () => {
    const input = JSON.parse(
      '{"name":"A","email":"a@b.org","__proto__":{"x":1},"constructor":1,"id":"x","created_at":"y","nick":"z"}',
    );
    expect(faults(students, 'whole', input)).toEqual({
      ['__proto__']: 'is not a field of a student',
      constructor: 'is not a field of a student',
      nick: 'is not a field of a student',
      id: 'is set by the server; leave it out',
      created_at: 'is set by the server; leave it out',
    });
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it.each([null, 1, 'x', [], [{}]])('is not %j', (input) => {
    expect(faults(students, 'whole', input)).toEqual({ '': 'must be an object' });
  });

  it.each([
    ['', 'must not be empty'],
    ['  ', 'must not be empty'],
    ['a\u0000b', 'must not have control characters'],
    ['a\nb', 'must not have control characters'],
    ['a\u0085b', 'must not have control characters'],
    ['a\u2028b', 'must not have control characters'],
    ['\ud800', 'must be well-formed Unicode (it has half of a surrogate pair)'],
    ['x'.repeat(201), 'must have 200 characters or fewer'],
    [null, 'must be text'],
    [5, 'must be text'],
  ])('refuses the name %j', (name, message) => {
    expect(faults(students, 'whole', student({ name }))).toEqual({ name: message });
  });

  it('counts characters, not UTF-16 units', () => {
    expect(faults(students, 'whole', student({ name: '😀'.repeat(200) }))).toEqual({});
  });

  it('lets some text have lines', () => {
    expect(parseInput(samples, 'part', { note: 'a\n\tb' })).toEqual({ note: 'a\n\tb' });
    expect(faults(samples, 'part', { note: 'a\rb' })).toEqual({ note: 'must not have control characters' });
  });

  it.each(['ada@example.org', "o'hara+x@a-b.co.uk", 'user_1@xn--bcher-kva.example', 'jürgen@bücher.example'])(
    'takes %s',
    (email) => {
      expect(parseInput(students, 'whole', student({ email }))).toMatchObject({ email });
    },
  );

  it.each([
    'ada',
    'ada@',
    '@example.org',
    'ada@example',
    'a b@example.org',
    'ada@exa mple.org',
    '.a@example.org',
    'a.@example.org',
    'a..b@example.org',
    'a@b@example.org',
    'a@-b.org',
    'a@b-.org',
    'a@.org',
    'a@b..org',
    `${'x'.repeat(65)}@example.org`,
    'a@example.org.',
    '<a@example.org>',
    'a@[127.0.0.1]',
  ])('refuses the address %s', (email) => {
    expect(faults(students, 'whole', student({ email }))).toEqual({
      email: 'must be an e-mail address, such as ada@example.org',
    });
  });

  it.each([
    [31, 'must be 30 or less'],
    [-1, 'must be 0 or more'],
    [1.5, 'must be a whole number'],
    ['3', 'must be a whole number'],
    [null, 'must be a whole number'],
    [2 ** 53, 'must be a whole number'],
  ])('refuses %j credits', (credits, message) => {
    expect(faults(courses, 'whole', { code: 'A', title: 'B', credits })).toEqual({ credits: message });
  });

  it('knows no -0', () => {
    expect(Object.is(parseInput(courses, 'part', { credits: -0 })['credits'], 0)).toBe(true);
    expect(Object.is(parseInput(samples, 'part', { ratio: -0 })['ratio'], 0)).toBe(true);
  });

  it('says what an enum, a UUID, a day, a moment and a boolean must be', () => {
    expect(faults(enrollments, 'part', { status: 'gone', student_id: '42' })).toEqual({
      status: 'must be one of enrolled, completed, withdrawn',
      student_id: 'must be a UUID',
    });
    expect(
      faults(samples, 'part', { day: '2026-02-30', moment: '2026-01-01', open: 'yes', colour: 'Red', amount: 2 ** 31 }),
    ).toEqual({
      day: 'must be a day such as 2026-11-24',
      moment: 'must be a time with its offset, such as 2026-11-24T04:05:06Z',
      open: 'must be true or false',
      colour: 'must be one of red, green, blue',
      amount: 'must be 2147483647 or less',
    });
  });
});

describe('a part of a row', () => {
  it('has what was given and nothing else', () => {
    expect(parseInput(enrollments, 'part', { grade: null })).toEqual({ grade: null });
    expect(parseInput(samples, 'part', { moment: '2026-01-01T01:00:00+02:00' })).toEqual({
      moment: '2025-12-31T23:00:00.000000Z',
    });
  });

  it('has a field, and no null where none may be', () => {
    expect(faults(students, 'part', {})).toEqual({ '': 'must have a field to change' });
    expect(faults(students, 'part', { name: null })).toEqual({ name: 'must be text' });
  });
});

describe('moments', () => {
  it.each([
    ['2026-11-24T04:05:06Z', '2026-11-24T04:05:06.000000Z'],
    ['2026-11-24t04:05:06.123456z', '2026-11-24T04:05:06.123456Z'],
    ['2026-11-24 04:05Z', '2026-11-24T04:05:00.000000Z'],
    ['2026-11-24T04:05:06.1+05:30', '2026-11-23T22:35:06.100000Z'],
    ['2024-02-29T23:59:59-23:59', '2024-03-01T23:58:59.000000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000000Z'],
    ['0099-12-31T00:00:00Z', '0099-12-31T00:00:00.000000Z'],
  ])('%s is %s', (text, moment) => expect(parseMoment(text)).toBe(moment));

  it.each([
    '2026-11-24',
    '2026-11-24T04:05:06',
    '2026-02-29T00:00:00Z',
    '2026-11-24T24:00:00Z',
    '2026-11-24T00:60:00Z',
    '2026-11-24T00:00:60Z',
    '2026-11-24T00:00:00+24:00',
    '2026-11-24T00:00:00.1234567Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '0000-01-01T00:00:00Z',
    'now',
  ])('%s is none', (text) => expect(parseMoment(text)).toBeNull());

  it('knows the calendar', () => {
    expect(
      [
        '2024-02-29',
        '2025-02-29',
        '1900-02-29',
        '2000-02-29',
        '2026-04-31',
        '2026-13-01',
        '0000-01-01',
        '0050-01-01',
      ].map(parseDay),
    ).toEqual(['2024-02-29', null, null, '2000-02-29', null, null, null, '0050-01-01']);
    expect(momentOfMillis(0)).toBe('1970-01-01T00:00:00.000000Z');
  });
});

it('makes ids that sort by time', () => {
  const runtime = testRuntime();
  const first = newId(runtime);
  runtime.advance(1);
  const second = newId(runtime);
  expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(second > first).toBe(true);
  expect(Number.parseInt(first.replace('-', '').slice(0, 12), 16)).toBe(runtime.now() - 1);
});

it('gives a JSON Schema of the input', () => {
  expect(z.toJSONSchema(inputSchema(courses, 'whole'), { io: 'input' })).toMatchObject({
    type: 'object',
    required: ['code', 'title', 'credits'],
    properties: { code: { type: 'string', maxLength: 32 }, credits: { type: 'integer', minimum: 0, maximum: 30 } },
  });
  expect(z.toJSONSchema(inputSchema(samples, 'part'), { io: 'input' })).not.toHaveProperty('required');
});
