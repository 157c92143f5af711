/** `eider` as a process: killed half-way, and run again. */
import { spawn } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { migrations } from '../../support/migrations.ts';
import { createDirectoryStore } from '../../../lib/store/directory.ts';
import { Engine } from '../../../lib/sync/engine.ts';
import { openDatabase, temporaryFolder } from '../../support/engine.ts';

const program = fileURLToPath(new URL('../../../scripts/db.ts', import.meta.url));

interface Run {
  readonly code: number | NodeJS.Signals;
  readonly out: string;
  readonly log: string;
}

/** Runs the command; `killAt` ends it as soon as its log holds that text. */
function run(environment: Readonly<Record<string, string>>, words: readonly string[], killAt?: string): Promise<Run> {
  const child = spawn(process.execPath, [program, ...words], { env: { PATH: process.env['PATH'], ...environment } });
  let [out, log] = ['', ''];
  child.stdout.on('data', (text) => (out += String(text)));
  child.stderr.on('data', (text) => {
    log += String(text);
    if (killAt !== undefined && log.includes(killAt)) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: signal ?? code ?? -1, out, log }));
  });
}

/** Two folders, the first one with some students, and the environment that names them. */
async function places(students: number) {
  const folder = await temporaryFolder();
  const [drive, local, tmp] = ['drive', 'local', 'tmp'].map((name) => join(folder, name)) as [string, string, string];
  await Promise.all([mkdir(drive), mkdir(tmp)]);
  const store = createDirectoryStore({ root: drive, create: false, runtime });
  const slotRoot = join(folder, 'slots');
  const database = await openDatabase({ store, name: 'student_courses.db', slotRoot, migrations });
  await database.close();
  const engine = await Engine.open({ store, name: 'student_courses.db', slotRoot, runtime });
  await engine.writeBulk((session) =>
    session.execute(`INSERT INTO students SELECT uuid(), 'Student ' || i, i || '@example.com', now(), now()
      FROM range(${students}) t(i)`),
  );
  await engine.close();
  const environment = { NETWORK_DB_PATH: drive, LOCAL_DB_PATH: join(local, 'copy.db'), TMPDIR: tmp };
  return { environment, local, tmp };
}

const moveWords = ['move', '--from', 'network', '--to', 'local'];

describe('eider', { timeout: 120_000 }, () => {
  it('moves, says what, and serves from there', async () => {
    const { environment } = await places(5000);
    const moved = await run(environment, moveWords);
    expect(moved).toMatchObject({ code: 0 });
    expect(moved.out).toMatch(/^Moved from network to local; every table was compared:\n/);
    expect(moved.out).toContain('students: 5000 rows, checksum ');
    const again = await run(environment, [...moveWords, '--json']);
    expect(JSON.parse(again.out)).toMatchObject({ outcome: 'there-already', tables: { students: { rows: 5000 } } });
    const synced = await run({ ...environment, DB_BACKEND: 'local' }, ['sync', '--json']);
    expect(JSON.parse(synced.out)).toMatchObject({ checkpoint: { uploaded: true }, published: true });
  });

  it.each(['copying', 'committing'])(
    'killed at "%s" leaves a target without a row, and is run again',
    async (moment) => {
      const { environment, tmp } = await places(20_000);
      expect(await run(environment, moveWords, moment)).toMatchObject({ code: 'SIGKILL' });
      const between = await run({ ...environment, DB_BACKEND: 'local' }, ['status', '--json']);
      const { version } = JSON.parse(between.out) as { version: number };
      const again = await run(environment, [...moveWords, '--json']);
      const { outcome, tables, targetVersion } = JSON.parse(again.out) as Record<string, never>;
      expect({ outcome, tables }).toMatchObject({ tables: { students: { rows: 20_000 } } });
      // Killed after its commit, the first one did it all.
      expect(targetVersion).toBe(outcome === 'moved' ? version + 1 : version);
      const left = (await readdir(tmp, { recursive: true })).filter((path) => path.endsWith('.part'));
      expect(left).toEqual([]);
    },
  );
});
