/** Where the data are, independent of credentials. Which database it is, the database itself says. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { BackendSettings } from '../config/backends.ts';
import { readConnectionString } from '../db/postgres/connection-string.ts';

export function addressOf(settings: BackendSettings): string {
  return shortHash(placeOf(settings));
}

/** As versions before this one named it, which left some parameters of PostgreSQL out: what they wrote has that. */
export function formerAddressOf(settings: BackendSettings): string {
  if (settings.backend !== 'postgres') return addressOf(settings);
  const { hostname, port, pathname, searchParams } = new URL(settings.connectionString);
  return shortHash(`postgres ${hostname}${searchParams.get('host') ?? ''}:${port}${pathname}`);
}

/** A hash of all settings, credentials included: what was learned with other settings does not apply. */
export function settingsId(settings: BackendSettings): string {
  return shortHash(JSON.stringify(settings));
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Where the data are, without credentials: these may change while a write is pending. */
function placeOf(settings: BackendSettings): string {
  switch (settings.backend) {
    case 'postgres': {
      const { host, port, database, user, options } = readConnectionString(settings.connectionString);
      return `postgres ${JSON.stringify([host, port, database ?? user, options])}`;
    }
    case 'blob':
      return `blob ${settings.credentials.storeId} ${settings.name}`;
    case 's3':
    case 'gcs':
      return `${settings.backend} ${settings.endpoint ?? ''} ${settings.bucket} ${settings.name}`;
    case 'custom':
      return `custom ${settings.store.location} ${settings.name}`;
    default:
      return `${settings.backend} ${resolve(settings.directory)} ${settings.name}`;
  }
}
