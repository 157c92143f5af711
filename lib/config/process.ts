import type { Environment } from './variables.ts';

/** A copy: what changes later does not change a configuration that was read. */
export function processEnvironment(): Environment {
  return { ...process.env };
}

/** Sets a variable that an SDK or Node reads by itself, unless the user has set it. */
export function setDefault(name: 'VERCEL_BLOB_RETRIES' | 'UV_THREADPOOL_SIZE', value: string): void {
  process.env[name] ??= value;
}
