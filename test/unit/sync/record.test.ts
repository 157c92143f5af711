import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeRecord,
  encodeRecord,
  formatOf,
  keyText,
  recordFormat,
  type LogRecord,
} from '../../../lib/sync/record.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';

const record: LogRecord = {
  format: recordFormat,
  database: 'd',
  version: 7,
  id: 'r7',
  previous: 'r6',
  time: '2026-11-24T00:00:00.000Z',
  writer: 'w',
  changes: [
    { table: 't', put: [{ id: 1, text: '"checksum":"é\u0000😀"}' }] },
    { table: 't', delete: [{ id: 2 }] },
    { ddl: 'DROP TABLE x' },
    { table: 't', schema: 's', add: [{ a: null }] },
    { table: 't', remove: [{ a: 1 }] },
    { sequence: 'n', next: '9007199254740993' },
  ],
};

describe('record', () => {
  it('reads back what was written, for any text in its rows', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, text) => {
        const one = { ...record, changes: [{ table: name, put: [{ id: text }] }] };
        expect(decodeRecord(encodeRecord(one), 'k', 7)).toEqual(one);
      }),
    );
  });

  it('is JSON that carries its checksum', () => {
    const parsed = JSON.parse(Buffer.from(encodeRecord(record)).toString()) as Record<string, unknown>;
    expect(parsed).toMatchObject({ ...record, checksum: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown });
  });

  it('is refused as corrupt when any byte of it changed, or bytes are missing', () => {
    const bytes = encodeRecord(record);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (index, by) => {
        const damaged = Uint8Array.from(bytes);
        damaged[index] = damaged[index]! ^ by;
        expect(() => decodeRecord(damaged, 'k', 7)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
      }),
    );
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => decodeRecord(bytes.slice(0, length), 'k', 7)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
    }
  });

  it('is refused when it is the record of another version', () => {
    expect(() => decodeRecord(encodeRecord(record), 'k', 8)).toThrow(/record 7/);
  });

  it('has the oldest format that has its kinds of changes, and is read in any', () => {
    const [put, deleted, ddl, added, removed, sequence] = record.changes;
    expect(formatOf([put!, deleted!, ddl!])).toBe(1);
    for (const change of [added!, removed!, sequence!]) expect(formatOf([put!, change])).toBe(2);
    expect(decodeRecord(encodeRecord({ ...record, format: 1 }), 'k', 7).format).toBe(1);
    for (const format of [0, 1.5, '1']) {
      expect(() => decodeRecord(encodeRecord({ ...record, format: format as never }), 'k', 7)).toThrow(/format/);
    }
  });

  it('is refused with the way out when its format is newer', () => {
    const newer = encodeRecord({ ...record, format: recordFormat + 1 });
    expect(() => decodeRecord(newer, 'k', 7)).toThrow(
      expect.objectContaining({ kind: 'outdated', hint: expect.stringMatching(/newer version/) as unknown }),
    );
  });
});

describe('keyText', () => {
  it('is equal for equal keys only', () => {
    const part = fc.oneof(fc.string(), fc.integer(), fc.boolean());
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 2, maxLength: 2 }),
        fc.array(part, { minLength: 2, maxLength: 2 }),
        (a, b) => {
          expect(keyText(a) === keyText(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
        },
      ),
    );
    expect(keyText(['1'])).not.toBe(keyText([2]));
  });
});

describe('layout', () => {
  const layout = layoutOf('folder/my.db');
  it('names records so that byte order is order of versions', () => {
    const keys = [1, 2, 9, 10, 99, 100, 12345].map((version) => layout.recordKey(version));
    expect(keys.toSorted()).toEqual(keys);
    expect(keys.map((key) => layout.recordVersion(key))).toEqual([1, 2, 9, 10, 99, 100, 12345]);
    expect(layout.recordKey(42)).toBe('folder/my.db.log/0000000000000042.json');
  });
  it('takes no other key for a record or a snapshot', () => {
    for (const key of [
      'folder/my.db',
      'folder/my.db.log/42.json',
      'other.db.log/0000000000000042.json',
      'folder/my.db.log/0000000000000042.json.tmp',
    ]) {
      expect(layout.recordVersion(key)).toBeNull();
      expect(layout.snapshotName(key)).toBeNull();
    }
    const key = layout.snapshotKey(40, 'a'.repeat(64));
    expect(layout.snapshotName(key)).toEqual({ key, version: 40, sha256: 'a'.repeat(64) });
  });
});
