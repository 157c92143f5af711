/** A smaller run that fails alike: steps, then statements, are left out as long as it fails. */
import type { Library } from './library.ts';
import { runTrace } from './replay-run.ts';
import { kindOf, ReplayFailure, type Trace, type TracedStep, type TracedWrite } from './trace.ts';

/** Tries for `budgetMs` at most. */
export async function shrink(library: Library, failure: ReplayFailure, budgetMs: number): Promise<ReplayFailure> {
  const end = performance.now() + budgetMs;
  let smallest = failure;
  for (let isSmaller = true; isSmaller && performance.now() < end;) {
    isSmaller = false;
    for (const trace of smallerTraces(smallest.trace)) {
      if (performance.now() > end) break;
      const again = await failureOf(library, trace);
      if (!again || kindOf(again) !== kindOf(failure)) continue;
      smallest = again;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

async function failureOf(library: Library, trace: Trace): Promise<ReplayFailure | null> {
  try {
    await runTrace(library, trace);
    return null;
  } catch (error) {
    if (error instanceof ReplayFailure) return error;
    throw error;
  }
}

/** Half of the steps less, then one less, then one statement less; the last step is what fails. */
function* smallerTraces(trace: Trace): Generator<Trace> {
  const { steps } = trace;
  for (let size = Math.floor(steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = steps.length - size; from >= 0; from -= size)
      yield { ...trace, steps: steps.toSpliced(from, size) };
  }
  for (const [index, step] of steps.entries()) {
    for (const smaller of smallerSteps(step)) yield { ...trace, steps: steps.with(index, smaller) };
  }
}

function smallerSteps(step: TracedStep): TracedStep[] {
  if (step.kind === 'write') return smallerWrites(step.write).map((write) => ({ kind: 'write', write }));
  if (step.kind !== 'together') return [];
  return [
    ...step.writes.map((_, index): TracedStep => ({ kind: 'together', writes: step.writes.toSpliced(index, 1) })),
    ...step.writes.flatMap((write, index) =>
      smallerWrites(write).map((smaller): TracedStep => ({
        kind: 'together',
        writes: step.writes.with(index, smaller),
      })),
    ),
  ];
}

function smallerWrites(write: TracedWrite): TracedWrite[] {
  if (write.statements.length < 2) return [];
  return write.statements.map((_, index) => ({ ...write, statements: write.statements.toSpliced(index, 1) }));
}
