/**
 * Who may use this deployment, as the environment says it.
 *
 * Owns: the variables of access, and that they can be read also when all others are wrong. Knows nothing of requests:
 * what follows from them is decided in lib/http. The worst that can happen: a token that is wrong counts as none, and so
 * opens what it was to close; so a wrong one is told apart from none.
 */
import * as checks from './checks.ts';
import type { VariableReader } from './variables.ts';

/** Null when nobody was given that token. */
export interface AccessSettings {
  readonly adminToken: string | null;
  readonly apiToken: string | null;
  /** What Vercel's cron sends as a bearer token. */
  readonly cronSecret: string | null;
  /** A token is set to what cannot be used. */
  readonly hasWrongToken: boolean;
  /** Whether tables can be read without a token. */
  readonly publicRead: boolean;
  /** Origins whose pages may call the API from a browser; `*`: all. */
  readonly corsOrigins: readonly string[];
}

export function readAccess(reader: VariableReader): AccessSettings {
  const wrongBefore = reader.wrong.length;
  const adminToken = reader.read('ADMIN_TOKEN', checks.checkToken);
  const apiToken = reader.read('API_TOKEN', checks.checkToken);
  const cronSecret = reader.read('CRON_SECRET', checks.checkToken);
  const shared = new Set<string | null>();
  const requireOwn = (name: 'API_TOKEN' | 'CRON_SECRET', token: string | null, other: string | null): void => {
    if (token === null || token !== other) return;
    shared.add(token);
    reader.noteWrong(name, 'must not be the same as another token: who holds one could do what the other is for');
  };
  requireOwn('API_TOKEN', apiToken, adminToken);
  requireOwn('CRON_SECRET', cronSecret, adminToken);
  requireOwn('CRON_SECRET', cronSecret, apiToken);
  // What two roles share is nobody's.
  const own = (token: string | null): string | null => (shared.has(token) ? null : token);
  return {
    adminToken: own(adminToken),
    apiToken: own(apiToken),
    cronSecret: own(cronSecret),
    hasWrongToken: reader.wrong.length > wrongBefore,
    publicRead: reader.read('PUBLIC_READ', checks.checkBoolean) ?? false,
    corsOrigins: reader.read('CORS_ORIGINS', checks.checkOrigins) ?? [],
  };
}
