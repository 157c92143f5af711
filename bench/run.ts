/**
 * `npm run bench`: measures what the project promises about speed, against what one would write by hand, and makes of it
 * bench/results/ and docs/performance.md. `--quick` measures fewer points, to see that it works; `--full` databases above
 * 100 MB, too. `npm run bench -- clients tail` runs those two only, and prints what they found; `--page` makes the page anew
 * of the results that are there.
 */
import { version as duckdbVersion } from '@duckdb/node-api';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Samples } from './databases.ts';
import type { Bench, BenchContext, Extent, Results } from './harness.ts';
import { analytics } from './analytics.ts';
import { clients } from './clients.ts';
import { coldStart } from './cold-start.ts';
import { costs } from './costs.ts';
import { instances } from './instances.ts';
import { mixed } from './mixed.ts';
import { sizes } from './sizes.ts';
import { tail } from './tail.ts';
import type { Report } from './page.ts';
import { describeMachine, formatResults, readReport, writeReport } from './report.ts';
import { Servers } from './servers.ts';

const benches: readonly Bench[] = [sizes, clients, instances, mixed, analytics, coldStart, tail, costs];

const { values: options, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, full: { type: 'boolean' }, page: { type: 'boolean' } },
});
const unknown = asked.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
  const known = benches.map(({ name }) => name).join(', ');
  console.error(`There is no bench "${unknown.join('", "')}". The benches are: ${known}.`);
  process.exit(2);
}
if (options.page === true) await writeReport(await readReport(), benches);
else await runBenches(benches.filter(({ name }) => asked.length === 0 || asked.includes(name)));

async function runBenches(chosen: readonly Bench[]): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'eider-bench-'));
  const servers = new Servers(join(root, 'servers'));
  process.once('exit', () => {
    servers.killAll();
    rmSync(root, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const extent: Extent = options.full === true ? 'full' : options.quick === true ? 'quick' : 'default';
  const samples = new Samples(join(root, 'samples'));
  const at = new Date().toISOString();
  const results: Record<string, Results> = {};
  const began = performance.now();
  for (const bench of chosen) {
    const say = (text: string): void =>
      console.error(`${((performance.now() - began) / 1000).toFixed(1)} s ${bench.name}: ${text}`);
    try {
      results[bench.name] = await runOne(bench, { folder: join(root, bench.name), extent, servers, samples, say });
    } catch (error) {
      console.error(`The bench ${bench.name} failed:`, error);
      process.exitCode = 1;
    }
  }
  const report: Report = { at, extent, machine: describeMachine(duckdbVersion()), results };
  console.log(formatResults(report));
  if (chosen.length === benches.length) console.log(`Written to ${await writeReport(report, benches)}`);
  process.exit();
}

async function runOne(bench: Bench, context: BenchContext): Promise<Results> {
  await mkdir(context.folder, { recursive: true });
  try {
    return await bench.run(context);
  } finally {
    context.servers.killAll();
    await rm(context.folder, { recursive: true, force: true });
    context.say('done');
  }
}
