import { expect, it } from 'vitest';
import { Rivals } from '../../../lib/sync/rivals.ts';

/** Rivals of an instance A whose commits take 10 ms, at a time that the test moves. */
function rivals() {
  const clock = { ms: 0 };
  const made = new Rivals({ monotonicMs: () => clock.ms }, 'A');
  made.noteCommit(10);
  const log = (writers: string): void => {
    for (const writer of writers) made.note(writer);
  };
  return { made, log, clock };
}

it('who writes alone never waits', () => {
  const { made, log } = rivals();
  for (let commits = 0; commits < 20; commits++) {
    expect(made.waitMs).toBe(0);
    log('A');
  }
});

it('who has not committed of late does not wait', () => {
  const { made, log } = rivals();
  log('BBCC');
  expect(made.waitMs).toBe(0);
});

it('a turn is four commits, then come all others, once each', () => {
  const { made, log } = rivals();
  log('BBBBCCCCA');
  expect(made.waitMs).toBe(0);
  log('AA');
  expect(made.waitMs).toBe(0);
  log('A');
  expect(made.waitMs).toBe(20);
  log('B');
  // B may go on, and then there is C.
  expect(made.waitMs).toBe(20);
  log('BBB');
  expect(made.waitMs).toBe(10);
  log('C');
  expect(made.waitMs).toBe(10);
  log('CCC');
  expect(made.waitMs).toBe(0);
});

it('who does not come in the time of its commit is passed over, and not waited for again', () => {
  const { made, log, clock } = rivals();
  log('BCAAAA');
  clock.ms += 15;
  expect(made.waitMs).toBe(5);
  clock.ms += 5;
  expect(made.waitMs).toBe(0);
  log('AAAA');
  expect(made.waitMs).toBe(0);
});

it('who has written nothing for seconds is no rival', () => {
  const { made, log, clock } = rivals();
  log('B');
  clock.ms += 6000;
  log('AAAA');
  expect(made.waitMs).toBe(0);
});

it('one slow commit makes nobody wait for as long', () => {
  const { made, log } = rivals();
  made.noteCommit(60_000);
  log('BAAAA');
  expect(made.waitMs).toBeLessThanOrEqual(250);
});
