import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BackendFactories,
  type BackendStore,
  type FactoryContext,
  openIdleReplica,
  openStore,
} from '../backends.ts';
import { type BackendName, describeBackend, type PostgresSettings } from '../config/backends.ts';
import type { Config } from '../config/config.ts';
import type { Database, StrandedWrites } from '../db/database.ts';
import { type BackendLink, pingStore } from '../db/fallback/link.ts';
import type { PendingLog } from '../db/fallback/pending-log.ts';
import type { Notice } from '../db/fallback/outage.ts';
import { type Command, fixCommand, repeatCommand } from '../rows/commands.ts';
import { layoutOf } from '../sync/layout.ts';
import { addressOf, formerAddressOf, settingsId } from './addresses.ts';

export interface ChainContext extends FactoryContext {
  readonly factories: BackendFactories;
  readonly notice: (notice: Notice) => void;
}

export async function openChain(config: Config, context: ChainContext): Promise<Database> {
  const { factories, runtime } = context;
  if (config.fallbacks.length === 0)
    return withStranded(await factories[config.chosen.backend](config, context), config, context);
  const [{ openFallbackDatabase }, { outageFile }] = await Promise.all([
    import('../db/fallback/fallback-database.ts'),
    import('../db/fallback/outage.ts'),
  ]);
  const [primary, ...fallbacks] = linksOf(config, context);
  return openFallbackDatabase({
    primary: primary!,
    fallbacks,
    runtime,
    memory: outageFile(join(config.tmpDirectory, 'eider-outages', `${settingsId(config.chosen)}.json`), runtime),
    commands: {
      run: (queries, command, scope) => repeatCommand(queries, scope, command as unknown as Command),
      fix: fixCommand,
    },
    writes: config.fallbackWrites,
    notice: context.notice,
  });
}

/** What a store took for other databases, before it was chosen itself. */
function withStranded(database: Database, config: Config, context: ChainContext): Database {
  const link = linkTo(config, context);
  if (!link.mayHavePending) return database;
  let log: Promise<PendingLog> | null = null;
  const open = async (): Promise<PendingLog> => {
    const { PendingLog } = await import('../db/fallback/pending-log.ts');
    const { address, formerAddress } = link;
    const target = { address, formerAddress, database: null };
    return new PendingLog({ fallbacks: [], target, runtime: context.runtime, warn: () => undefined, primary: link });
  };
  const stranded: StrandedWrites = {
    list: async () => (await (log ??= open())).listStranded(),
    dismiss: async (ids) => (await (log ??= open())).dismissStranded(ids),
  };
  return Object.assign(database, { stranded });
}

function linksOf(config: Config, context: ChainContext): BackendLink[] {
  const all = [config.chosen, ...config.fallbacks];
  return all.map((chosen, place) => linkTo({ ...config, chosen, fallbacks: all.slice(place + 1) }, context));
}

function linkTo(config: Config, context: ChainContext): BackendLink {
  const { chosen } = config;
  const { factories, runtime } = context;
  let opened: Promise<BackendStore> | null = null;
  // One store for all questions: it remembers what it has seen.
  const place = (): Promise<BackendStore> =>
    (opened ??= openStore(config, runtime).catch((error: unknown) => {
      opened = null;
      throw error;
    }));
  const isStore = chosen.backend !== 'postgres';
  return {
    name: chosen.backend,
    label: labels[chosen.backend],
    address: addressOf(chosen),
    formerAddress: formerAddressOf(chosen),
    persistent: describeBackend(chosen.backend).persistent,
    open: () => factories[chosen.backend](config, context),
    ping: chosen.backend === 'postgres' ? pingPostgres(chosen) : async (signal) => pingStore(await place(), signal),
    idleReplica: () => (isStore ? openIdleReplica(config, context) : Promise.resolve(null)),
    place: isStore ? place : null,
    mayHavePending: 'directory' in chosen ? () => isThere(pendingFolder(chosen)) : null,
  };
}

/** On a connection of its own: those of the pool may all be busy, which is no outage. */
function pingPostgres({ connectionString, driver }: PostgresSettings): BackendLink['ping'] {
  return async (signal) => {
    const { pingPostgresServer } = await import('../db/postgres/open.ts');
    await pingPostgresServer({ connectionString, driver, signal });
  };
}

const labels: Readonly<Record<BackendName, string>> = {
  postgres: 'PostgreSQL',
  network: 'the network drive',
  volume: 'the volume',
  blob: 'Vercel Blob',
  s3: 'S3',
  gcs: 'Google Cloud Storage',
  local: 'the local disk',
  custom: 'the store',
};

function pendingFolder({ directory, name }: { readonly directory: string; readonly name: string }): string {
  return join(directory, layoutOf(name).pendingPrefix);
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
