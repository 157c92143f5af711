import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCheckpointDue } from '../../../lib/sync/policy.ts';

/** Uploads of a run of writes of one size to a database that grows by what is written. */
function uploadedBytes(databaseBytes: number, recordBytes: number, writes: number): { log: number; uploaded: number } {
  let size = databaseBytes;
  let tail = { records: 0, bytes: 0 };
  let uploaded = 0;
  for (let index = 0; index < writes; index++) {
    size += recordBytes / 4;
    tail = { records: tail.records + 1, bytes: tail.bytes + recordBytes };
    if (!isCheckpointDue(size, tail)) continue;
    uploaded += size;
    tail = { records: 0, bytes: 0 };
  }
  const log = writes * recordBytes;
  return { log, uploaded: uploaded + log };
}

describe('checkpoint policy', () => {
  it('keeps uploaded bytes within twenty times the log, whatever the size of the database', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20_000_000, max: 2_000_000_000 }),
        fc.integer({ min: 400, max: 100_000 }),
        (size, record) => {
          const { log, uploaded } = uploadedBytes(size, record, 10_000);
          expect(uploaded).toBeLessThanOrEqual(20 * log);
        },
      ),
    );
  });

  it('is never due without new records, and soon after a burst for a small database', () => {
    expect(isCheckpointDue(1_000_000, { records: 0, bytes: 0 })).toBe(false);
    expect(isCheckpointDue(1_000_000, { records: 1, bytes: 600 })).toBe(false);
    expect(isCheckpointDue(1_000_000, { records: 150, bytes: 90_000 })).toBe(true);
  });

  it('becomes due at some length of the tail', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (size) => {
        expect(isCheckpointDue(size, { records: size, bytes: size + 20_000 })).toBe(size > 0);
      }),
    );
  });
});
