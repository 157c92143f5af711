/** The words, answers and exit codes of `npm run db`. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../lib/cli/commands.ts';
import { temporaryFolder } from '../support/engine.ts';

async function run(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  let [out, log] = ['', ''];
  const terminal = {
    environment,
    out: (text: string) => void (out += text),
    log: (text: string) => void (log += text),
    isTerminal: false,
  };
  return { code: await runCommand(words, terminal), out, log };
}

describe('npm run db', () => {
  it('explains itself', async () => {
    for (const words of [['--help'], ['help'], []]) {
      expect(await run(words)).toMatchObject({ code: 0, log: '', out: expect.stringContaining('--replace') as string });
    }
  });

  it.each([
    [['move'], 'move needs --from and --to'],
    [['move', '--from', 'blob'], 'move needs --from and --to'],
    [['move', '--form', 'blob'], "Unknown option '--form'"],
    [['mvoe'], '"mvoe" is not a command'],
    [['status', '--replace'], 'status does not take --from, --to or --replace'],
    [['status', 'now'], '"now" is too much'],
  ])('refuses the words %j', async (words, why) => {
    expect(await run(words)).toMatchObject({ code: 2, out: '', log: expect.stringContaining(why) as string });
  });

  it.each([
    [['move', '--from', 'disk', '--to', 'local'], '"disk" is not a backend'],
    [['move', '--from', 'local', '--to', 'local'], 'local is both the source and the target'],
    [['move', '--from', 's3', '--to', 'local'], 'DB_BACKEND asks for s3, but S3_BUCKET is not set'],
    [['status'], 'DB_BACKEND must be one of'],
  ])('says why it cannot run %j', async (words, why) => {
    const environment = words[0] === 'status' ? { DB_BACKEND: 'disk' } : {};
    const answer = await run(words, { ...environment, LOCAL_DB_PATH: join(await temporaryFolder(), 'db') });
    expect(answer).toMatchObject({ code: 1, out: '', log: expect.stringContaining(why) as string });
  });

  it('finds one place under two names', async () => {
    const folder = await temporaryFolder();
    const environment = { NETWORK_DB_PATH: folder, VERCEL_VOLUME_PATH: folder, TMPDIR: folder };
    const answer = await run(['move', '--from', 'network', '--to', 'volume'], environment);
    expect(answer).toMatchObject({ code: 1, log: expect.stringContaining('are the same place') as string });
  });

  it('tells how the database is, in words and in JSON', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'tmp'));
    const environment = { LOCAL_DB_PATH: join(folder, 'local', 'school.db'), TMPDIR: join(folder, 'tmp') };
    const words = await run(['status'], environment);
    expect(words).toMatchObject({ code: 0, log: '' });
    expect(words.out).toContain(`directory ${environment.LOCAL_DB_PATH}`);
    expect(words.out).toContain('network  not-configured NETWORK_DB_PATH is not set.');
    const json = JSON.parse((await run(['status', '--json'], environment)).out) as object;
    expect(json).toMatchObject({ backend: 'local', persistent: false, engine: 'duckdb', pendingWrites: 0 });
  });
});
