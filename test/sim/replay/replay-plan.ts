/** What a run of the property test does, before it is known what tables there are. */
import fc from 'fast-check';
import {
  aboutOneTable,
  anyBeginning,
  anyForbiddenIntent,
  anyIntent,
  anyRowIntent,
  type Intent,
} from '../../support/statements/make.ts';

export interface PlannedWrite {
  readonly instance: number;
  readonly intents: readonly Intent[];
  /** Goes on when a statement fails, as if nothing had been. */
  readonly catches: boolean;
}

export type PlannedStep =
  | { readonly kind: 'write'; readonly write: PlannedWrite }
  /** Several writes at once. */
  | { readonly kind: 'together'; readonly writes: readonly PlannedWrite[] }
  /** Catches up, and puts a snapshot into the store. */
  | { readonly kind: 'sync'; readonly instance: number }
  /** Closes it and opens it again, from what it had or from the store alone. */
  | { readonly kind: 'restart'; readonly instance: number; readonly keepsReplica: boolean };

export interface Plan {
  readonly beginning: readonly Intent[];
  readonly steps: readonly PlannedStep[];
  /** Whether statements may use the time and chance. */
  readonly allowsVolatile: boolean;
}

const anyInstance = fc.nat({ max: 1 });

const severalIntents = fc.array(anyIntent, { minLength: 2, maxLength: 5 });

const anyWrite = fc.record({
  instance: anyInstance,
  intents: fc.oneof(
    { weight: 4, arbitrary: fc.tuple(anyIntent) },
    { weight: 1, arbitrary: severalIntents },
    { weight: 2, arbitrary: severalIntents.map(aboutOneTable) },
  ),
  catches: fc.oneof({ weight: 19, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});

/** Changes rows, and may fail when it has: others of its batch are to be committed without it. */
const anyRowWrite = fc.record({
  instance: anyInstance,
  intents: fc.oneof(fc.tuple(anyRowIntent), fc.tuple(anyRowIntent, anyForbiddenIntent)),
  catches: fc.constant(false),
});

const anyStep: fc.Arbitrary<PlannedStep> = fc.oneof(
  { weight: 30, arbitrary: fc.record({ kind: fc.constant('write' as const), write: anyWrite }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('together' as const),
      writes: fc.oneof(
        fc.array(anyWrite, { minLength: 2, maxLength: 4 }),
        fc.array(anyRowWrite, { minLength: 3, maxLength: 6 }),
      ),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('sync' as const), instance: anyInstance }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restart' as const),
      instance: anyInstance,
      keepsReplica: fc.boolean(),
    }),
  },
);

export const anyPlan: fc.Arbitrary<Plan> = fc.record({
  beginning: anyBeginning,
  steps: fc.array(anyStep, { minLength: 6, maxLength: 18, size: 'max' }),
  allowsVolatile: fc.boolean(),
});
