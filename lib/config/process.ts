/**
 * The one place that reads the process's environment.
 *
 * Owns: `process.env`. Knows nothing of what the variables mean. The worst that can happen: a second place.
 */
import type { Environment } from './variables.ts';

/** A copy: what changes later does not change a configuration that was read. */
export function processEnvironment(): Environment {
  return { ...process.env };
}

/** Sets a variable that a provider's SDK reads by itself, unless the user has set it. */
export function setSdkDefault(name: 'VERCEL_BLOB_RETRIES', value: string): void {
  process.env[name] ??= value;
}
