import type { Environment } from './variables.ts';

/** A copy: what changes later does not change a configuration that was read. */
export function processEnvironment(): Environment {
  return { ...process.env };
}

/** Sets a variable that a provider's SDK reads by itself, unless the user has set it. */
export function setSdkDefault(name: 'VERCEL_BLOB_RETRIES', value: string): void {
  process.env[name] ??= value;
}
