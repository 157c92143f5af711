/**
 * A simulated process's database with another store behind it: the chain as lib/app/chain.ts makes it, of two links whose
 * stores are simulated.
 */
import { join } from 'node:path';
import type { Database } from '../../lib/db/database.ts';
import type { RunCommand } from '../../lib/db/fallback/drain.ts';
import type { Link } from '../../lib/db/fallback/link.ts';
import type { Runtime } from '../../lib/runtime.ts';
import type { Migration } from '../../lib/schema/migration.ts';
import type { Store } from '../../lib/store/store.ts';
import type { Step } from '../../lib/sync/context.ts';
import type { Library } from './library.ts';
import type { Plan } from './plan.ts';

export interface StandInParts {
  readonly library: Library;
  readonly plan: Plan;
  readonly runtime: Runtime;
  readonly migrations: readonly Migration[];
  readonly databaseName: string;
  /** Folder of the machine. */
  readonly machine: string;
  readonly primary: Store;
  /** The one behind it. */
  readonly behind: Store;
  readonly onStep: (step: Step) => void | Promise<void>;
  readonly runCommand: RunCommand;
}

/** As of a backend that another can take over: see lib/backends.ts. */
const awayMs = 2000;
/** Who asks for no more patience than this is there. */
const mostBusyMs = 10_000;

export function openWithStandIn(parts: StandInParts): Promise<Database> {
  const { library, runtime, machine, primary, behind, runCommand } = parts;
  return library.openFallbackDatabase({
    primary: linkTo(parts, 'primary', primary),
    fallbacks: [linkTo(parts, 'behind', behind)],
    runtime,
    memory: library.outageFile(join(machine, 'notes', 'outage.json'), runtime),
    runCommand,
    writes: 'accept',
  });
}

function linkTo(parts: StandInParts, name: string, raw: Store): Link {
  const { library, plan, runtime, migrations, databaseName, machine, onStep } = parts;
  const isPrimary = name === 'primary';
  const limited = isPrimary ? library.withTimeLimits(raw, runtime) : raw;
  const store = library.withRetry(limited, { runtime, ...(isPrimary ? { deadlineMs: awayMs } : {}) });
  const settings = { ...plan.settings, ...(isPrimary ? { awayMs } : {}) };
  const slotRoot = join(machine, name);
  return {
    name,
    label: `the store ${name}`,
    identity: name,
    persistent: true,
    open: () =>
      library.openDuckDbDatabase({
        store,
        name: databaseName,
        slotRoot,
        runtime,
        migrations,
        maxStalenessMs: 0,
        settings,
        // The troubles of a plan are for the primary.
        onStep: isPrimary ? onStep : () => undefined,
      }),
    ping: async (signal) => {
      await raw.head(databaseName, { signal }).catch((error: unknown) => {
        if (!(error instanceof library.AppError) || (error.retryAfterMs ?? Infinity) > mostBusyMs) throw error;
      });
    },
    leftover: () => library.openLeftoverCopy({ slotRoot, runtime, migrations, settings }),
    place: () => Promise.resolve({ store: raw, name: databaseName }),
    mayHavePending: null,
  };
}
