/**
 * The simulation as a program: many seeds, one seed, or all mutations.
 *
 *     npm run sim -- --seeds 10000          seeds 1 to 10000
 *     npm run sim -- --seeds 500-600        a range
 *     npm run sim -- --seed 42              one, with its history
 *     npm run sim -- --mutations            engines with a known fault: how soon is each found?
 *
 * `--profile outages` takes the seeds of that kind, `--workers 2` uses two processes, `--only <pattern>` takes the
 * mutations whose name matches, `--quick` those that are found soon, `--no-shrink` leaves a failing run as it is,
 * `--keep-going` does not end at the first.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Library } from './library.ts';
import { loadLibrary } from './library.ts';
import { huntMutations } from './hunt.ts';
import { type Plan, planOf, profileNames } from './plan.ts';
import type { Figures, Result } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    mutations: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    profile: { type: 'string' },
    quick: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: true },
    'keep-going': { type: 'boolean', default: false },
    workers: { type: 'string', default: '1' },
    part: { type: 'string', default: '0/1' },
  },
  allowNegative: true,
});

const libraryFolder = join(import.meta.dirname, '../../lib');

async function main(): Promise<boolean> {
  requireSense();
  if (Number(values.workers) > 1) return runParts(Number(values.workers));
  const [part, parts] = values.part.split('/').map(Number) as [number, number];
  if (values.mutations) return huntMutations({ only: values.only, quick: values.quick, part, parts });
  const library = await loadLibrary(libraryFolder);
  if (values.seed !== undefined) return runOne(planOf(Number(values.seed)), library);
  return runMany(
    seedsOf(values.seeds ?? '100')
      .filter((seed) => values.profile === undefined || planOf(seed).profile === values.profile)
      .filter((_, index) => index % parts === part),
    library,
  );
}

/** A run of nothing would pass. */
function requireSense(): void {
  const { profile, seed, workers } = values;
  if (profile !== undefined && !profileNames.some((name) => name === profile))
    throw new Error(`--profile takes one of ${profileNames.join(', ')}, not ${profile}.`);
  if (seed !== undefined && !/^[1-9]\d*$/.test(seed)) throw new Error(`--seed takes a number, not ${seed}.`);
  if (!/^[1-9]\d?$/.test(workers)) throw new Error(`--workers takes a number, not ${workers}.`);
}

function seedsOf(text: string): number[] {
  const [first, last] = text.includes('-') ? text.split('-').map(Number) : [1, Number(text)];
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || first! < 1 || last! < first!)
    throw new Error(`--seeds takes a number or a range such as 500-600, not ${text}.`);
  return Array.from({ length: last! - first! + 1 }, (_, index) => first! + index);
}

/** The same arguments in several processes, each with its part. */
async function runParts(workers: number): Promise<boolean> {
  const others = process.argv
    .slice(2)
    .filter((each, index, all) => each !== '--workers' && all[index - 1] !== '--workers');
  const parts = Array.from({ length: workers }, (_, part) => {
    const child = spawn(process.execPath, [import.meta.filename, ...others, '--part', `${part}/${workers}`], {
      stdio: 'inherit',
    });
    return new Promise<boolean>((resolve) => child.once('close', (code) => resolve(code === 0)));
  });
  return (await Promise.all(parts)).every(Boolean);
}

async function runOne(plan: Plan, library: Library): Promise<boolean> {
  const { simulate } = await import('./simulate.ts');
  const result = await simulate(plan, library);
  tell(result);
  return result.violation === null || (await tellSmaller(result, library), false);
}

async function runMany(seeds: readonly number[], library: Library): Promise<boolean> {
  const { simulate } = await import('./simulate.ts');
  const total = new Totals();
  for (const seed of seeds) {
    const result = await simulate(planOf(seed), library);
    total.add(result);
    if (result.violation) {
      console.log(`Seed ${seed} (${result.plan.profile}): ${result.violation.message}`);
      if (!values['keep-going']) {
        tell(result);
        await tellSmaller(result, library);
        return false;
      }
    }
    if (total.runs % 100 === 0) console.log(total.describe());
  }
  console.log(total.describe());
  return total.failed === 0;
}

function tell({ plan, lines, figures, violation }: Result): void {
  console.log(`Seed ${plan.seed}, ${plan.profile}: ${JSON.stringify(figures)}`);
  for (const line of lines) console.log(line);
  console.log(violation ? `VIOLATED: ${violation.message}` : 'All invariants held.');
}

async function tellSmaller(result: Result, library: Library): Promise<void> {
  if (values.shrink) {
    const { shrink } = await import('./shrink.ts');
    console.log('Looking for a smaller run that fails alike …');
    const smallest = await shrink(result, library, (what) => console.log(`  ${what}`));
    console.log('The smallest run found:');
    tell(smallest);
  }
  console.log(`To reproduce: npm run sim -- --seed ${result.plan.seed}`);
}

class Totals {
  runs = 0;
  failed = 0;
  readonly #sums = new Map<keyof Figures, number>();
  readonly #began = performance.now();

  add({ figures, violation }: Result): void {
    this.runs++;
    if (violation) this.failed++;
    for (const [name, value] of Object.entries(figures) as [keyof Figures, number][])
      this.#sums.set(name, (this.#sums.get(name) ?? 0) + value);
  }

  describe(): string {
    const sums = [...this.#sums].map(([name, sum]) => `${sum} ${name}`).join(', ');
    const seconds = Math.round((performance.now() - this.#began) / 1000);
    return `${this.runs} runs, ${this.failed} failed, in ${seconds} s: ${sums}`;
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error);
  process.exitCode = 2;
}
