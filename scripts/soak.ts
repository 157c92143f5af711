/** `npm run soak -- --minutes N [--seed N]`: test/sim/soak for as long as one likes. */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '2' }, seed: { type: 'string', default: '1' } },
});
if (![values.minutes, values.seed].every((text) => /^\d+(\.\d+)?$/.test(text))) {
  throw new Error('--minutes and --seed take numbers.');
}
const { status } = spawnSync('vitest', ['run', 'test/sim/soak'], {
  stdio: 'inherit',
  env: { ...process.env, SOAK_MINUTES: values.minutes, SOAK_SEED: values.seed },
});
process.exitCode = status ?? 1;
