/**
 * The registers of the workload as clients saw them, for the checker of linearizability: what was read, and what was put in
 * place of what.
 */
import type { Recorded } from './history.ts';
import { checkLinearizable, type Operation, type SequentialSpecification, type Verdict } from './linearizability.ts';
import { registerIds } from './workload.ts';

/** `put` answers what was there; `swap` puts `to` where it finds `from`, and answers what it found. */
export type RegisterCall =
  | { readonly kind: 'read' }
  | { readonly kind: 'put'; readonly value: number }
  | { readonly kind: 'swap'; readonly from: number; readonly to: number };

interface Register {
  readonly value: number | null;
}

export const registerSpecification: SequentialSpecification<Register, RegisterCall, number | null> = {
  initial: { value: null },
  step({ value }, call, output) {
    if (output !== undefined && output !== value) return null;
    if (call.kind === 'put') return { value: call.value };
    return { value: call.kind === 'swap' && call.from === value ? call.to : value };
  },
  name: ({ value }) => String(value),
};

export type RegisterOperation = Operation<RegisterCall, number | null>;

/** The verdict on each register. */
export function checkRegisters(history: readonly Recorded[]): ReadonlyMap<string, Verdict> {
  return new Map(
    registerIds.map((key) => {
      const operations = history.flatMap((each) => operationOn(key, each) ?? []);
      return [key, checkLinearizable(registerSpecification, withoutUnseen(operations))];
    }),
  );
}

/** What was put by an operation without an answer, and that nobody saw, need not have been put. */
function withoutUnseen(operations: readonly RegisterOperation[]): RegisterOperation[] {
  const seen = new Set(operations.map(({ output }) => output));
  return operations.filter(({ answered, input }) => {
    if (answered !== Infinity || input.kind === 'read') return true;
    return seen.has(input.kind === 'put' ? input.value : input.to);
  });
}

function operationOn(key: string, { request, reply, asked, answered }: Recorded): RegisterOperation | null {
  const call = callOn(key, request);
  if (!call || reply.kind === 'failed' || reply.kind === 'degraded') return null;
  // What is pending comes when it comes, or never.
  if (reply.kind === 'unknown' || reply.kind === 'pending')
    return call.kind === 'read' ? null : { asked, answered: Infinity, input: call, output: undefined };
  if (reply.kind === 'refused') {
    if (call.kind !== 'swap') return null;
    return { asked, answered, input: call, output: numberIn(/^found (\S+)$/.exec(reply.reason)?.[1]) };
  }
  const output =
    call.kind === 'swap'
      ? call.from
      : call.kind === 'put'
        ? numberIn(/^was (\S+)$/.exec(reply.answer)?.[1])
        : numberIn(new RegExp(`registers [^;]*\\b${key}=(\\d+)`).exec(reply.answer)?.[1]);
  return { asked, answered, input: call, output };
}

/** Only strict reads: others may answer from the past. */
function callOn(key: string, request: Recorded['request']): RegisterCall | null {
  if (request.kind === 'read') return request.maxStalenessMs === 0 ? { kind: 'read' } : null;
  if (request.kind === 'follow') return null;
  const { write } = request;
  if (write.kind === 'peek') return { kind: 'read' };
  if (write.kind === 'set' && write.key === key) return { kind: 'put', value: write.value };
  if (write.kind === 'cas' && write.key === key) return { kind: 'swap', from: write.from, to: write.to };
  return null;
}

function numberIn(text: string | undefined): number | null {
  return text === undefined || text === 'null' ? null : Number(text);
}
