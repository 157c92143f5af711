import { expect, it } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { insertAccount, openDatabase } from '../../support/engine.ts';

it('takes one checkpoint for all the writes that ask while it is uploaded', async () => {
  const seen = { uploads: 0 };
  let finishUpload!: () => void;
  const mayFinish = new Promise<void>((resolve) => (finishUpload = resolve));
  let noteBegun!: () => void;
  const begun = new Promise<void>((resolve) => (noteBegun = resolve));
  const database = await openDatabase({
    store: createMemoryStore({ runtime: systemRuntime }),
    onStep: async (step) => {
      if (step !== 'snapshot-uploading') return;
      seen.uploads++;
      noteBegun();
      await mayFinish;
    },
  });
  for (let index = 0; seen.uploads === 0; index++) {
    expect(index).toBeLessThan(1000);
    await insertAccount(database, `before ${index}`);
    await Promise.race([database.maintain(), begun]);
  }
  const asked: Promise<void>[] = [];
  for (let index = 0; index < 10; index++) {
    await insertAccount(database, `meanwhile ${index}`);
    asked.push(database.maintain());
  }
  finishUpload();
  await Promise.all(asked);
  expect(seen.uploads).toBe(1);
  const { checkpoint } = await database.status();
  expect(checkpoint?.recordsSince).toBe(10);
});

it('takes the next checkpoint once it is due again', async () => {
  const seen = { uploads: 0 };
  const database = await openDatabase({
    store: createMemoryStore({ runtime: systemRuntime }),
    onStep: (step) => void (seen.uploads += step === 'snapshot-uploaded' ? 1 : 0),
  });
  for (let index = 0; seen.uploads < 2; index++) {
    expect(index).toBeLessThan(2000);
    await insertAccount(database, `account ${index}`);
    await database.maintain();
  }
  expect((await database.status()).checkpoint?.recordsSince).toBe(0);
});
