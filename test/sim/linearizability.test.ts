/** The checker of linearizability, on histories whose verdict is known, and against trying all orders. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLinearizable, type Operation } from './linearizability.ts';
import { registerSpecification, type RegisterCall } from './registers.ts';

type Register = Operation<RegisterCall, number | null>;
const never = Infinity;

function read(asked: number, answered: number, output: number | null): Register {
  return { asked, answered, input: { kind: 'read' }, output };
}

function put(asked: number, answered: number, value: number, output?: number | null): Register {
  return { asked, answered, input: { kind: 'put', value }, output };
}

const verdict = (...operations: Register[]): string => checkLinearizable(registerSpecification, operations);

describe('checkLinearizable', () => {
  it('accepts operations one after the other', () => {
    expect(verdict(put(1, 2, 7, null), read(3, 4, 7), put(5, 6, 8, 7), read(7, 8, 8))).toBe('linearizable');
  });

  it('accepts overlapping operations in the one order that fits', () => {
    expect(verdict(put(1, 10, 7, 8), put(2, 9, 8, null), read(3, 11, 8), read(12, 13, 7))).toBe('linearizable');
  });

  it('refuses a read of what was overwritten before it was asked', () => {
    expect(verdict(put(1, 2, 7, null), put(3, 4, 8, 7), read(5, 6, 7))).toBe('not linearizable');
  });

  it('refuses two reads that see a write come and go', () => {
    expect(verdict(put(1, 20, 7), read(2, 3, 7), read(4, 5, null))).toBe('not linearizable');
  });

  it('lets a write without an answer happen late, or never, but not be undone', () => {
    expect(verdict(put(1, never, 7), read(2, 3, null), read(4, 5, 7))).toBe('linearizable');
    expect(verdict(put(1, never, 7), read(2, 3, null))).toBe('linearizable');
    expect(verdict(put(1, never, 7), read(2, 3, 7), read(4, 5, null))).toBe('not linearizable');
  });

  it('agrees with trying all orders', () => {
    const operation = fc
      .tuple(fc.nat(12), fc.nat(6), fc.constantFrom(null, 1, 2), fc.constantFrom<number>(0, 1, 2), fc.boolean())
      .map(([asked, length, seen, value, isKnown]): Register => {
        const answered = asked + length + 0.5;
        if (value === 0) return read(asked, answered, seen);
        return isKnown ? put(asked, answered, value, seen) : put(asked, never, value);
      });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 6 }), (operations) => {
        expect(verdict(...operations)).toBe(fits(operations, null) ? 'linearizable' : 'not linearizable');
      }),
      { numRuns: 3000 },
    );
  });
});

/** Tries every order. */
function fits(operations: readonly Register[], state: number | null): boolean {
  if (operations.every(({ answered }) => answered === never)) return true;
  const firstAnswer = Math.min(...operations.map(({ answered }) => answered));
  return operations.some((each, index) => {
    if (each.asked > firstAnswer) return false;
    const after = registerSpecification.step({ value: state }, each.input, each.output);
    return after !== null && fits(operations.toSpliced(index, 1), after.value);
  });
}
