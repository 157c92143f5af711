/** What a run did, as statements: it can be done again without one of them. */
import type { Statement } from '../../support/statements/statement.ts';

export interface TracedWrite {
  readonly instance: number;
  readonly statements: readonly Statement[];
  readonly catches: boolean;
}

export type TracedStep =
  | { readonly kind: 'write'; readonly write: TracedWrite }
  | { readonly kind: 'together'; readonly writes: readonly TracedWrite[] }
  | { readonly kind: 'sync'; readonly instance: number }
  | { readonly kind: 'restart'; readonly instance: number; readonly keepsReplica: boolean };

export interface Trace {
  readonly steps: readonly TracedStep[];
  readonly allowsVolatile: boolean;
}

/** Something did not hold, and what was done until then. */
export class ReplayFailure extends Error {
  readonly trace: Trace;
  readonly reasons: readonly string[];

  constructor(reasons: readonly string[], trace: Trace) {
    super(`${describeTrace(trace)}\n\n${reasons.join('\n')}`);
    this.reasons = reasons;
    this.trace = trace;
  }
}

export function describeTrace({ steps }: Trace): string {
  return steps.flatMap(describeStep).join('\n');
}

function describeStep(step: TracedStep): string[] {
  if (step.kind === 'sync') return [`${nameOf(step.instance)}: a checkpoint`];
  if (step.kind === 'restart')
    return [`${nameOf(step.instance)}: starts again, ${step.keepsReplica ? 'from its replica' : 'from the store'}`];
  if (step.kind === 'write') return describeWrite(step.write);
  return ['at once:', ...step.writes.flatMap(describeWrite).map((line) => `  ${line}`)];
}

function describeWrite({ instance, statements, catches }: TracedWrite): string[] {
  const lines = statements.map(({ sql, values }) => `  ${sql};${values ? ` -- ${JSON.stringify(values)}` : ''}`);
  return [`${nameOf(instance)}: one transaction${catches ? ', errors caught' : ''}`, ...lines];
}

function nameOf(instance: number): string {
  return `instance ${'AB'.charAt(instance)}`;
}

/** What it is that did not hold, whatever the names and values. */
export function kindOf({ reasons }: ReplayFailure): string {
  const [what = '', detail = ''] = reasons;
  const where = /^(?:next value|\w+)/.exec(detail)?.[0] ?? '';
  return `${what.split('\n')[0]} ${where}`.replaceAll(/\d+|"[^"]*"|instance [AB]/g, '_').slice(0, 200);
}
