/** One process that claims slots when told to, at a given moment, and keeps them. */
import { systemRuntime } from '../../../lib/runtime.ts';
import { claimSlot } from '../../../lib/sync/slot.ts';

export interface ClaimMessage {
  readonly slotRoot: string;
  /** Wall clock, ms: when to begin. */
  readonly atMs: number;
}

process.once('disconnect', () => process.exit(1));

process.on('message', ({ slotRoot, atMs }: ClaimMessage) => {
  // Timers are too coarse: processes that race must begin within microseconds of each other.
  while (Date.now() < atMs);
  claimSlot(slotRoot, systemRuntime).then(
    (slot) => process.send?.({ folder: slot.folder }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});

process.send?.('ready');
