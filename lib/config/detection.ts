/** What looking for one backend in the environment may find. */
import { AppError, type FieldError } from '../errors.ts';
import type { BackendSettings } from './backends.ts';
import type { VariableReader } from './variables.ts';

/**
 * - `ready`: can be used, as far as the environment shows.
 * - `incomplete`: someone began to configure it, and a variable is missing.
 * - `invalid`: one of its variables is wrong.
 * - `not-configured`: nobody asked for it.
 *
 * `reason` is a sentence without its full stop that names variables, never values.
 */
export type Detection =
  | { readonly state: 'ready'; readonly reason: string; readonly settings: BackendSettings }
  | { readonly state: 'incomplete' | 'invalid'; readonly reason: string; readonly problems: readonly FieldError[] }
  | { readonly state: 'not-configured'; readonly reason: string };

export function notConfigured(reason: string): Detection {
  return { state: 'not-configured', reason };
}

/** Ready with `settings()` when the reader noted nothing; else what it noted. */
export function settle(reader: VariableReader, reason: string, settings: () => BackendSettings | '' | null): Detection {
  const problems = [...reader.wrong, ...reader.missing];
  if (problems.length > 0) {
    const state = reader.wrong.length > 0 ? 'invalid' : 'incomplete';
    return { state, reason: problems.map((problem) => problem.message).join('; '), problems };
  }
  const made = settings();
  if (!made) throw new AppError('invalid', 'A backend without problems has no settings: a defect of lib/config');
  return { state: 'ready', reason, settings: made };
}
