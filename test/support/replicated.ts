/** Services on one store, as instances of one deployment are: each has a replica of its own, in real DuckDB. */
import { onTestFinished } from 'vitest';
import { systemRuntime } from '../../lib/runtime.ts';
import { migrations } from './migrations.ts';
import type { Migration } from '../../lib/catalog/migrations.ts';
import { createMemoryStore } from '../../lib/testing/memory.ts';
import type { Store } from '../../lib/store/store.ts';
import { movableRuntime, openDatabase, type OpenOptions } from './engine.ts';
import { type Service, type ServiceOptions, startService } from './service.ts';

export interface ReplicatedOptions extends ServiceOptions {
  readonly store?: Store;
  readonly migrations?: readonly Migration[];
  readonly database?: Partial<OpenOptions>;
}

/** One instance; give several the same store. It is closed when the test ends. */
export async function startReplicated(options: ReplicatedOptions = {}): Promise<Service> {
  const { store = createMemoryStore({ runtime: systemRuntime }), database, ...service } = options;
  const runtime = movableRuntime();
  const started: Service = await startService({
    runtime,
    ...service,
    open: async () => {
      const opened = await openDatabase({ store, runtime, migrations: options.migrations ?? migrations, ...database });
      // Before its folder goes: what follows an answer may still be at work in it.
      onTestFinished(async () => void (await Promise.allSettled(started.waited)));
      return opened;
    },
  });
  onTestFinished(() => started.app.close());
  return started;
}
