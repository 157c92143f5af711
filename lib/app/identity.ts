/**
 * Which database a backend's settings name, whatever its credentials are.
 *
 * Owns: what of the settings counts. The worst that can happen is told in chain.ts.
 */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { BackendSettings } from '../config/backends.ts';

/** Names the database, and tells nothing of it. */
export function identityOf(settings: BackendSettings): string {
  return shortHash(placeOf(settings));
}

/** Names the settings as they are, credentials included, and tells nothing of them: what was met with others says nothing here. */
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
      const { hostname, port, pathname, searchParams } = new URL(settings.connectionString);
      return `postgres ${hostname}${searchParams.get('host') ?? ''}:${port}${pathname}`;
    }
    case 'blob':
      return `blob ${settings.credentials.storeId} ${settings.name}`;
    case 's3':
    case 'gcs':
      return `${settings.backend} ${settings.endpoint ?? ''} ${settings.bucket} ${settings.name}`;
    default:
      return `${settings.backend} ${resolve(settings.directory)} ${settings.name}`;
  }
}
