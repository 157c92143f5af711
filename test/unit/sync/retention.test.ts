import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../lib/sync/context.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { findDroppable } from '../../../lib/sync/retention.ts';

const hour = 3_600_000;
const now = Date.UTC(2026, 10, 24);
const layout = layoutOf('d.db');

let made = 0;

function snapshot(version: number, ageHours: number) {
  const sha256 = (made += 1).toString(16).padStart(64, '0');
  const key = layout.snapshotKey(version, sha256);
  return { key, version, sha256, bytes: 1, modifiedAt: new Date(now - ageHours * hour) };
}

function record(version: number, ageHours: number) {
  return { key: layout.recordKey(version), size: 1, modifiedAt: new Date(now - ageHours * hour) };
}

function drop(
  snapshots: ReturnType<typeof snapshot>[],
  records: ReturnType<typeof record>[],
  bulks: typeof records = [],
) {
  const found = findDroppable({ snapshots, records, bulks }, layout, defaultSettings, now);
  return { ...found, records: found.records.map((key) => layout.recordVersion(key)) };
}

describe('rule 5: what retention may drop', () => {
  it('drops a record when two snapshots cover it and it is older than a day', () => {
    expect(
      drop(
        [snapshot(5, 3), snapshot(3, 4)],
        [1, 2, 3, 4, 5].map((version) => record(version, 30)),
      ).records,
    ).toEqual([1, 2, 3]);
  });

  it('keeps a record that only one snapshot covers', () => {
    expect(drop([snapshot(5, 3)], [record(1, 30)]).records).toEqual([]);
  });

  it('keeps a record that is younger than a day, and all after it', () => {
    expect(drop([snapshot(9, 3), snapshot(9, 4)], [record(1, 30), record(2, 23), record(3, 30)]).records).toEqual([1]);
  });

  it('does not count a snapshot younger than two hours: a replica that looked before it must still find the records', () => {
    expect(drop([snapshot(9, 1.9), snapshot(9, 3)], [record(1, 30)]).records).toEqual([]);
  });

  it('keeps the two newest settled snapshots and all younger ones', () => {
    const found = drop(
      [snapshot(9, 0.1), snapshot(8, 0.2), snapshot(7, 3), snapshot(6, 4), snapshot(5, 5), snapshot(4, 6)],
      [],
    );
    expect(found.snapshots.map((key) => layout.snapshotName(key)?.version)).toEqual([5, 4]);
  });

  it('drops a bulk state only when every record that could name it is gone', () => {
    const bulk = { key: layout.bulkKey('x', 'a'.repeat(64)), size: 1, modifiedAt: new Date(now - 60 * hour) };
    expect(drop([snapshot(9, 3), snapshot(9, 4)], [record(8, 55)], [bulk]).bulks).toEqual([bulk.key]);
    expect(drop([snapshot(7, 3), snapshot(7, 4)], [record(8, 55)], [bulk]).bulks).toEqual([]);
    expect(drop([snapshot(7, 3), snapshot(7, 4)], [record(8, 20)], [bulk]).bulks).toEqual([bulk.key]);
  });

  it('never leaves a hole, and always a snapshot with its whole tail, and the one before it too', () => {
    const ages = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), ages), { maxLength: 6 }),
        fc.array(ages, { maxLength: 20 }),
        (taken, recordAges) => {
          const snapshots = taken
            .map(([version, age]) => snapshot(version, age))
            .toSorted((a, b) => b.version - a.version);
          const records = recordAges.map((age, index) => record(index + 1, age));
          const found = drop(snapshots, records);
          expect(found.records).toEqual(found.records.map((_, index) => index + 1));
          const kept = snapshots.filter(({ key }) => !found.snapshots.includes(key));
          expect(kept.length).toBeGreaterThanOrEqual(Math.min(2, snapshots.length));
          const covering = kept.filter(({ version }) => version >= found.records.length);
          expect(found.records.length === 0 || covering.length >= 2).toBe(true);
        },
      ),
    );
  });
});
