/** Who may use this deployment. It can be read also when all other variables are wrong. */
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
  const names = ['ADMIN_TOKEN', 'API_TOKEN', 'CRON_SECRET'] as const;
  const tokens = names.map((name) => reader.read(name, checks.checkToken));
  const shared = tokens.filter((token, index) => token !== null && tokens.indexOf(token) < index);
  for (const [index, token] of tokens.entries()) {
    if (!shared.includes(token) || tokens.indexOf(token) === index) continue;
    const problem = 'must not be the same as another token: who holds one could do what the other is for';
    reader.noteWrong(names[index]!, problem);
  }
  // What two roles share is nobody's.
  const [adminToken = null, apiToken = null, cronSecret = null] = tokens.map((token) =>
    shared.includes(token) ? null : token,
  );
  return {
    adminToken,
    apiToken,
    cronSecret,
    hasWrongToken: reader.wrong.length > wrongBefore,
    publicRead: reader.read('PUBLIC_READ', checks.checkBoolean) ?? false,
    corsOrigins: reader.read('CORS_ORIGINS', checks.checkOrigins) ?? [],
  };
}
