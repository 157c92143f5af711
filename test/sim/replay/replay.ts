/**
 * The property test of capture as a program, for thousands of runs:
 * `npm run replay -- --seeds 2000 --workers 2`, `--seeds 17-17`, `--keep-going`, `--shrink-seconds 0`; `--mutations`,
 * each with the seed that is known to find it or with those of `--seeds`, `--only <pattern>` for those whose name matches.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { loadLibrary } from './library.ts';
import { describeFailure, runSeed } from './seeds.ts';
import { Tally } from './tally.ts';
import { kindOf } from './trace.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    workers: { type: 'string', default: '1' },
    part: { type: 'string', default: '0/1' },
    'keep-going': { type: 'boolean', default: false },
    'shrink-seconds': { type: 'string', default: '60' },
    mutations: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    library: { type: 'string' },
  },
});

function seedsOf(text: string): number[] {
  const [first, last] = text.includes('-') ? text.split('-').map(Number) : [1, Number(text)];
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || first! < 1 || last! < first!)
    throw new Error(`--seeds takes a number or a range such as 500-600, not ${text}.`);
  return Array.from({ length: last! - first! + 1 }, (_, index) => first! + index);
}

/** The same arguments in several processes, each with its part. */
async function runParts(workers: number): Promise<boolean> {
  const parts = Array.from({ length: workers }, (_, part) => {
    const parameters = [
      import.meta.filename,
      ...process.argv.slice(2),
      '--workers',
      '1',
      '--part',
      `${part}/${workers}`,
    ];
    const child = spawn(process.execPath, parameters, { stdio: 'inherit' });
    return new Promise<boolean>((resolve) => child.once('close', (code) => resolve(code === 0)));
  });
  return (await Promise.all(parts)).every(Boolean);
}

async function runSeeds(): Promise<boolean> {
  const library = await loadLibrary(values.library);
  const [part, parts] = values.part.split('/').map(Number) as [number, number];
  const seeds = seedsOf(values.seeds ?? '100').filter((seed) => seed % parts === part);
  const tally = new Tally();
  const began = performance.now();
  let failed = 0;
  const told = new Set<string>();
  for (const [index, seed] of seeds.entries()) {
    const failure = await runSeed(library, seed, tally);
    if (failure) {
      failed++;
      const kind = kindOf(failure);
      if (told.has(kind)) console.log(`Seed ${seed} fails alike: ${kind}`);
      else console.log(await describeFailure(library, seed, failure, Number(values['shrink-seconds']) * 1000));
      told.add(kind);
      if (!values['keep-going']) return false;
    }
    if ((index + 1) % 100 === 0) console.log(`${index + 1} of ${seeds.length} runs, ${failed} failed`);
  }
  console.log(`${seeds.length} runs, ${failed} failed, in ${Math.round((performance.now() - began) / 1000)} s`);
  console.log(tally.describe());
  return failed === 0;
}

async function main(): Promise<boolean> {
  if (values.mutations) return (await import('./hunt.ts')).huntAll(values.seeds, values.only);
  const workers = Number(values.workers);
  return workers > 1 ? runParts(workers) : runSeeds();
}

process.exitCode = (await main()) ? 0 : 1;
