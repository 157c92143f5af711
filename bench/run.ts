/**
 * `npm run bench`: measures what the project promises about speed, prints a table and writes it to bench/results/.
 * `node bench/run.ts cold-start fresh-read` runs those two only.
 */
import { version as duckdbVersion } from '@duckdb/node-api';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acknowledgedWrite } from './acknowledged-write.ts';
import { catchUp } from './catch-up.ts';
import { concurrentClients } from './clients.ts';
import { cloudStart } from './cloud-start.ts';
import { cloudWrite } from './cloud-write.ts';
import { coldStart } from './cold-start.ts';
import { bytesPerMb, Samples } from './databases.ts';
import { freshRead } from './fresh-read.ts';
import { groupCommit } from './group-commit.ts';
import type { Bench, Figure } from './harness.ts';
import { describeMachine, formatTable, writeResults } from './report.ts';
import { uploadBytes } from './upload-bytes.ts';

const benches: readonly Bench[] = [
  acknowledgedWrite,
  groupCommit,
  catchUp,
  coldStart,
  uploadBytes,
  freshRead,
  cloudWrite,
  cloudStart,
  concurrentClients,
];
const resultsFolder = join(import.meta.dirname, 'results');

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
  const known = benches.map(({ name }) => name).join(', ');
  console.error(`There is no bench "${unknown.join('", "')}". The benches are: ${known}.`);
  process.exit(2);
}
await runBenches(benches.filter(({ name }) => asked.length === 0 || asked.includes(name)));

async function runBenches(chosen: readonly Bench[]): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'eider-bench-'));
  const removeAll = (): void => rmSync(root, { recursive: true, force: true });
  process.once('exit', removeAll);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const samples = new Samples(join(root, 'samples'));
  const figures: Figure[] = [];
  const at = new Date().toISOString();
  for (const bench of chosen) {
    try {
      figures.push(...(await runOne(bench, root, samples)));
    } catch (error) {
      console.error(`The bench ${bench.name} failed:`, error);
      process.exitCode = 1;
    }
  }
  const machine = describeMachine(duckdbVersion());
  console.log(`\n${formatTable(figures)}\n`);
  console.log(`${machine.cores} x ${machine.cpu}, Node ${machine.node}, DuckDB ${machine.duckdb}`);
  const name = [at.slice(0, 10), ...asked].join('-');
  console.log(`Written to ${await writeResults(resultsFolder, name, { at, machine, figures })}`);
}

async function runOne(bench: Bench, root: string, samples: Samples): Promise<Figure[]> {
  const folder = join(root, bench.name);
  await mkdir(folder);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bench.needsBytes) {
    const mb = Math.ceil(bench.needsBytes / bytesPerMb);
    throw new Error(`The bench ${bench.name} needs ${mb} MB in ${tmpdir()}. Make room, or set TMPDIR.`);
  }
  const say = (text: string): void => console.error(`${bench.name}: ${text}`);
  const began = performance.now();
  try {
    return await bench.run({ folder, say, placeSample: (megabytes, path) => samples.place(megabytes, path) });
  } finally {
    await rm(folder, { recursive: true, force: true });
    say(`${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
}
