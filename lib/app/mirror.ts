import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Database } from '../db/database.ts';
import { withMirror } from '../db/mirror/mirrored-database.ts';
import type { PooledDatabase } from '../db/postgres/postgres-database.ts';
import type { Runtime } from '../runtime.ts';
import type { Engine } from '../sync/engine.ts';
import { addressOf } from './addresses.ts';

export interface MirrorSettings {
  readonly config: Config;
  readonly behind: Config;
  readonly runtime: Runtime;
  readonly open: () => Promise<{ readonly engine: Engine }>;
}

export function openWithMirror(database: PooledDatabase, { config, behind, runtime, open }: MirrorSettings): Database {
  const [source, address] = [addressOf(config.chosen), addressOf(behind.chosen)];
  return withMirror(database, {
    source,
    address,
    backend: behind.chosen.backend,
    open: async () => (await open()).engine,
    spillFolder: join(config.tmpDirectory, `eider-mirror-${address}`),
    runtime,
  });
}
