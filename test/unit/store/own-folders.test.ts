/** What somebody else has put where Eider's own folders would be: links, and folders of others. */
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { outageFile } from '../../../lib/db/fallback/outage.ts';
import { makeOwnFolder } from '../../../lib/folders.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { claimLeftSlot, claimSlot } from '../../../lib/sync/slot.ts';
import { directoryStore } from '../../support/places/directory.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'eider-test-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function old(path: string): Promise<string> {
  await writeFile(path, 'somebody’s');
  await utimes(path, 1, 1);
  return path;
}

it('a link in the place of the folder for temporary files makes nothing go elsewhere, or be removed there', async () => {
  const [root, elsewhere] = [await folder(), await folder()];
  await old(join(elsewhere, 'old.txt'));
  await old(join(elsewhere, runtime.uuid()));
  await symlink(elsewhere, join(root, '.eider~tmp'));
  const store = directoryStore(root);
  expect((await store.list('')).objects).toEqual([]);
  await expect(store.create('a', Buffer.from('a'))).rejects.toMatchObject({ kind: 'denied' });
  expect(await readdir(elsewhere)).toHaveLength(2);
  await rm(join(root, '.eider~tmp'));
  expect(await store.create('a', Buffer.from('a'))).toBe('created');
});

it('old files go from the folder for temporary files when they have a name of ours, and nothing behind a link does', async () => {
  const [root, elsewhere] = [await folder(), await folder()];
  const temporaries = join(root, '.eider~tmp');
  await mkdir(temporaries);
  const target = await old(join(elsewhere, 'target.txt'));
  await old(join(temporaries, runtime.uuid()));
  await old(join(temporaries, 'notes.txt'));
  const link = runtime.uuid();
  await symlink(target, join(temporaries, link));
  await directoryStore(root).list('');
  expect((await readdir(temporaries)).toSorted()).toEqual([link, 'notes.txt'].toSorted());
  expect(await readFile(target, 'utf8')).toBe('somebody’s');
});

it.each<[string, (path: string) => Promise<unknown>]>([
  ['a link', async (path) => symlink(await folder(), path)],
  ['a link that leads nowhere', (path) => symlink(`${path}/nowhere`, path)],
  ['a file', (path) => writeFile(path, '')],
  [
    'a folder that others may write into',
    async (path) => {
      await mkdir(path);
      await chmod(path, 0o777);
    },
  ],
])('nothing is put where %s is, and nothing there is believed', async (_, make) => {
  const path = join(await folder(), 'eider-0123456789abcdef');
  await make(path);
  for (const using of [makeOwnFolder, claimSlot])
    await expect(using(path, runtime)).rejects.toMatchObject({
      kind: 'unavailable',
      hint: expect.stringContaining('TMPDIR') as unknown,
    });
  expect(await claimLeftSlot(path, runtime)).toBeNull();
});

it.runIf(process.getuid?.() === 0)('nothing is put into a folder of another user', async () => {
  const path = join(await folder(), 'eider-0123456789abcdef');
  await mkdir(path);
  await chown(path, 65_534, 65_534);
  await expect(claimSlot(path, runtime)).rejects.toMatchObject({
    message: expect.stringContaining('another user') as unknown,
  });
});

it('a note of an outage is read from, and written to, a folder of our own alone', async () => {
  const [root, elsewhere] = [await folder(), await folder()];
  const away = { kind: 'away', sinceMs: 1, reason: 'x', detail: 'y', failures: 1, nextLookMs: 2 ** 50 } as const;
  const path = join(root, 'eider-outages', 'a.json');
  const memory = outageFile(path, runtime);
  await symlink(elsewhere, join(root, 'eider-outages'));
  await memory.save(away);
  expect(await readdir(elsewhere)).toEqual([]);
  await writeFile(join(elsewhere, 'a.json'), JSON.stringify(away));
  expect(await memory.load()).toBeNull();
  await rm(join(root, 'eider-outages'));
  await memory.save(away);
  expect(await memory.load()).toEqual(away);
  await rm(path);
  await symlink(join(elsewhere, 'a.json'), path);
  expect(await memory.load()).toBeNull();
  await rm(path);
  await writeFile(path, JSON.stringify(away));
  await chmod(join(root, 'eider-outages'), 0o777);
  expect(await memory.load()).toBeNull();
});
