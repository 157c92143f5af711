/**
 * Opening a simulated process's database: on one store, or with another behind it, in the chain that lib/app/chain.ts makes.
 */
import { join } from 'node:path';
import type { Database } from '../../lib/db/database.ts';
import type { Commands } from '../../lib/db/fallback/drain.ts';
import type { BackendLink, LinkDatabase, PendingPlace } from '../../lib/db/fallback/link.ts';
import type { Runtime } from '../../lib/runtime.ts';
import type { Migration } from '../../lib/catalog/migrations.ts';
import type { Store } from '../../lib/store/store.ts';
import type { Step, SyncSettings } from '../../lib/sync/context.ts';
import type { Library } from './library.ts';
import type { Plan } from './plan.ts';

export interface OpenParts {
  readonly library: Library;
  readonly plan: Plan;
  readonly runtime: Runtime;
  readonly migrations: readonly Migration[];
  readonly databaseName: string;
  /** Folder of the machine. */
  readonly machine: string;
  readonly primary: Store;
  readonly onStep: (step: Step) => void | Promise<void>;
}

export interface ChainParts extends OpenParts {
  /** The store behind the primary. */
  readonly behind: Store;
  readonly commands: Commands;
}

interface Place {
  readonly store: Store;
  readonly slotRoot: string;
  readonly settings: Partial<SyncSettings>;
  readonly onStep: OpenParts['onStep'];
}

export function openAlone(parts: OpenParts): Promise<Database> {
  const { library, plan, runtime, primary, machine, onStep } = parts;
  const store = plan.retries ? library.withRetry(primary, { runtime }) : primary;
  return openOn(parts, { store, slotRoot: machine, settings: plan.settings, onStep });
}

function openOn({ library, databaseName, runtime, migrations }: OpenParts, place: Place): Promise<LinkDatabase> {
  return library.openDuckDbDatabase({ ...place, name: databaseName, runtime, migrations, maxStalenessMs: 0 });
}

export function openChain(parts: ChainParts): Promise<Database> {
  const { library, plan, runtime, machine, primary, behind, commands, onStep } = parts;
  const { settings } = plan;
  const limited = library.withTimeLimits(primary, runtime);
  return library.openFallbackDatabase({
    primary: linkTo(parts, 'primary', primary, {
      store: library.withRetry(limited, { runtime, deadlineMs: awayMs }),
      settings: { ...settings, awayMs },
      onStep,
    }),
    fallbacks: [
      // The troubles of a plan are for the primary.
      linkTo(parts, 'behind', behind, {
        store: library.withRetry(behind, { runtime }),
        settings,
        onStep: () => undefined,
      }),
    ],
    runtime,
    memory: library.outageFile(join(machine, 'notes', 'outage.json'), runtime),
    commands,
    writes: 'accept',
  });
}

/** As of a backend that another can take over: see lib/backends.ts. */
const awayMs = 2000;

/** `raw`: the store without what wraps it for the database. */
function linkTo(parts: OpenParts, name: string, raw: Store, wrapped: Omit<Place, 'slotRoot'>): BackendLink {
  const { library, runtime, migrations, databaseName, machine } = parts;
  const slotRoot = join(machine, name);
  const place: PendingPlace = { store: raw, name: databaseName };
  return {
    name,
    label: `the store ${name}`,
    address: name,
    formerAddress: name,
    persistent: true,
    open: () => openOn(parts, { ...wrapped, slotRoot }),
    ping: (signal) => library.pingStore(place, signal),
    idleReplica: () => library.openIdleCopy({ slotRoot, runtime, migrations, settings: wrapped.settings }),
    place: () => Promise.resolve(place),
    mayHavePending: null,
  };
}
