/** The words, answers and exit codes of `eider`. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../support/engine.ts';
import { eider } from '../../support/terminal.ts';

it('explains itself', async () => {
  for (const words of [['--help'], ['help'], []]) {
    expect(await eider(words, {})).toMatchObject({ code: 0, log: '', out: expect.stringContaining('Exit codes') });
  }
  expect(await eider(['move', '--help'], {})).toMatchObject({ code: 0, out: expect.stringContaining('--replace') });
  expect(await eider(['--version'], {})).toEqual({ code: 0, out: '1.2.3\n', log: '' });
});

it.each([
  [['move', '--from', 'blob'], "required option '--to <backend>' not specified"],
  [['sync', '--jsno'], "unknown option '--jsno'\n(Did you mean --json?)"],
  [['move', '--from', 'disk', '--to', 'local'], "argument 'disk' is invalid. Allowed choices are postgres, network"],
  [['move', '--from', 'local', '--to', 'local'], 'local is both the source and the target'],
  [['mvoe'], "unknown command 'mvoe'\n(Did you mean move?)"],
  [['status', '--replace'], "unknown option '--replace'"],
  [['status', 'now'], 'too many arguments'],
  [['export', 'students', 'active'], '"active" is no filter'],
  [['import', 'students'], 'Name the format with --format'],
  [['dump'], "required option '--file <file>' not specified"],
  [['serve', '--port', 'x'], 'A port is a number below 65536'],
  [['shell', '--format', 'xml'], 'Allowed choices are table, csv, json'],
])('does not understand %j', async (words, why) => {
  expect(await eider(words, {})).toEqual({ code: 2, out: '', log: expect.stringContaining(why) as string });
});

it.each([
  [['move', '--from', 's3', '--to', 'local'], {}, 'The backend s3 is not configured: S3_BUCKET is not set.'],
  [['move', '--from', 's3', '--to', 'local'], { S3_BUCKET: 'b', AWS_ACCESS_KEY_ID: 'a' }, 'AWS_SECRET_ACCESS_KEY'],
  [['sync'], { DB_BACKEND: 'disk' }, 'DB_BACKEND must be one of'],
])('says why it cannot run %j', async (words, environment, why) => {
  const variables = { ...environment, LOCAL_DB_PATH: join(await temporaryFolder(), 'db') };
  const answer = await eider(words, variables);
  expect(answer).toEqual({ code: 1, out: '', log: expect.stringContaining(why) as string });
  expect(answer.log).not.toContain('DB_BACKEND asks');
  const forPrograms = await eider([...words, '--json'], variables);
  expect(JSON.parse(forPrograms.out)).toMatchObject({ error: { message: expect.stringContaining(why) as string } });
  expect(forPrograms).toMatchObject({ code: 1, log: '' });
});

it('finds one place under two names', async () => {
  const folder = await temporaryFolder();
  const environment = { NETWORK_DB_PATH: folder, VERCEL_VOLUME_PATH: folder, TMPDIR: folder };
  const answer = await eider(['move', '--from', 'network', '--to', 'volume'], environment);
  expect(answer).toMatchObject({ code: 2, log: expect.stringContaining('are the same place') as string });
});

it('synchronizes, and forgets rejected writes', async () => {
  const folder = await temporaryFolder();
  const environment = { LOCAL_DB_PATH: join(folder, 'db'), TMPDIR: folder };
  const synced = await eider(['sync', '--json'], environment);
  expect([synced.code, JSON.parse(synced.out)]).toMatchObject([0, { checkpoint: { uploaded: true }, published: true }]);
  expect(await eider(['sync'], environment)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^Version 1, as before\n/),
  });
  expect(await eider(['sync', '--dismiss', 'all'], environment)).toEqual({
    code: 0,
    out: 'Dismissed 0 writes\n',
    log: '',
  });
  const nobody = await eider(['sync', '--dismiss', 'nobody'], environment);
  expect(nobody).toMatchObject({ code: 1, out: '', log: expect.stringMatching(/nobody|no rejected/) });
});
