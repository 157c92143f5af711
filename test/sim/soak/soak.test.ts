/** Less than a minute of everything at once; `npm run soak -- --minutes N` for more. */
import { expect, test } from 'vitest';
import { soak } from './soak.ts';

const minutes = Number(process.env['SOAK_MINUTES'] ?? 0.75);
const seed = Number(process.env['SOAK_SEED'] ?? 1);

test(
  `eight processes for ${minutes} minutes lose and double nothing`,
  { timeout: (minutes + 4) * 60_000 },
  async () => {
    const report = await soak({ minutes, seed });
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    // It did what it says.
    expect(report.acknowledged).toBeGreaterThan(25 * minutes);
    expect(report.recordsDropped).toBeGreaterThan(0);
    for (const count of [report.kills, report.longFreezes, report.faults, report.fullDisks])
      expect(count).toBeGreaterThan(minutes);
  },
);
