/** Whose a pending write is. */
import { describe, expect, it } from 'vitest';
import { addressOf, formerAddressOf } from '../../../lib/app/addresses.ts';
import type { BackendSettings } from '../../../lib/config/backends.ts';
import { isMeantFor } from '../../../lib/db/fallback/link.ts';

const primary = { address: 'here', formerAddress: 'there' };

describe('a pending write', () => {
  it.each([
    ['of this database', { target: 'elsewhere', database: 'a' }, 'a', true],
    ['of another at this address', { target: 'here', database: 'b' }, 'a', false],
    ['of one that nobody could ask, at this address', { target: 'here', database: null }, 'a', true],
    ['of one that nobody could ask, elsewhere', { target: 'there', database: null }, 'a', false],
    ['while the primary cannot be asked', { target: 'here', database: 'b' }, null, true],
    ['of an earlier version', { target: 'there' }, 'a', true],
    ['of an earlier version, for another', { target: 'here' }, 'a', false],
  ])('%s', (_, write, database, isOurs) => {
    expect(isMeantFor(write, { ...primary, database })).toBe(isOurs);
  });
});

describe('an address', () => {
  const postgres = (connectionString: string): BackendSettings => ({
    backend: 'postgres',
    connectionString,
    driver: 'pg',
  });
  const of = (text: string): string => addressOf(postgres(text));

  it('is the same for the same place', () => {
    const same = [
      'postgres://ada:one@db.example.org/school',
      'postgres://ada:two@db.example.org:5432/school?sslmode=require',
      'postgresql://bob@x/?host=db.example.org&dbname=school',
    ];
    expect(new Set(same.map(of)).size).toBe(1);
  });

  it('is another one for another place', () => {
    const places = ['', '?dbname=other', '?port=6000', '?host=other', '?options=-csearch_path%3Dother'];
    const all = places.map((rest) => `postgres://ada@db.example.org/school${rest}`);
    expect(new Set(all.map(of)).size).toBe(all.length);
    // As it was before, these were fewer.
    expect(new Set(all.map((text) => formerAddressOf(postgres(text)))).size).toBe(2);
  });
});
