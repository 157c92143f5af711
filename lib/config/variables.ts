/** A problem names a variable and never its value: errors of parsers, which quote their input, are not passed on. */
import { AppError, type FieldError } from '../errors.ts';
import type { BackendSettings } from './backends.ts';

/** What a user may set; `.env.example` explains each of them. */
export const variableNames = [
  'DB_BACKEND',
  'DATABASE_URL',
  'NETWORK_DB_PATH',
  'VERCEL_VOLUME_PATH',
  'BLOB_READ_WRITE_TOKEN',
  'BLOB_STORE_ID',
  'BLOB_ACCESS',
  'BLOB_NAME',
  'S3_BUCKET',
  'S3_KEY',
  'S3_ENDPOINT',
  'S3_FORCE_PATH_STYLE',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_REGION',
  'AWS_ROLE_ARN',
  'GCS_BUCKET',
  'GCS_KEY',
  'GCS_ENDPOINT',
  'STORAGE_EMULATOR_HOST',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'LOCAL_DB_PATH',
  'DB_MAX_STALENESS_MS',
  'DB_FALLBACK_WRITES',
  'DB_PREVIEW',
  'ADMIN_TOKEN',
  'API_TOKEN',
  'PUBLIC_READ',
  'CRON_SECRET',
  'CORS_ORIGINS',
  'LOG_REQUESTS',
] as const;

export const platformVariableNames = [
  'VERCEL',
  'VERCEL_ENV',
  'TMPDIR',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
] as const;

/** A Blob store that is not a project's first gets its token under a name that its owner chose. */
type PrefixedTokenName = `${string}_READ_WRITE_TOKEN`;

export type VariableName = (typeof variableNames)[number] | (typeof platformVariableNames)[number] | PrefixedTokenName;

export type Environment = Readonly<Record<string, string | undefined>>;

/** A value that fits, or what is wrong with it: the rest of a sentence that begins with the variable's name. */
export type Checked<T> = { readonly value: T } | { readonly problem: string };

export type VariableCheck<T> = (text: string) => Checked<T>;

/** Reads variables for one purpose (one backend, say) and remembers what is missing and what is wrong. */
export class VariableReader {
  readonly missing: FieldError[] = [];
  readonly wrong: FieldError[] = [];
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  isSet(name: VariableName): boolean {
    return this.#text(name) !== null;
  }

  firstSet(...names: readonly VariableName[]): VariableName | null {
    return names.find((name) => this.isSet(name)) ?? null;
  }

  /** The variables `<PREFIX>_READ_WRITE_TOKEN` whose value begins with `begins`, in the order of the alphabet. */
  prefixedTokens(begins: string): readonly PrefixedTokenName[] {
    const names = Object.keys(this.#environment).filter((name) => name.endsWith('_READ_WRITE_TOKEN'));
    return (names.toSorted() as PrefixedTokenName[]).filter((name) => this.#text(name)?.startsWith(begins));
  }

  /** The checked value; null when the variable is unset, or wrong (which is recorded). */
  read<T>(name: VariableName, check: VariableCheck<T>): T | null {
    const text = this.#text(name);
    if (text === null) return null;
    const checked = check(text);
    if ('value' in checked) return checked.value;
    this.noteWrong(name, checked.problem);
    return null;
  }

  /** Like `read`; an unset variable is recorded as missing, `because` another one is set. */
  require<T>(name: VariableName, check: VariableCheck<T>, because: VariableName): T | null {
    if (!this.isSet(name)) this.missing.push({ path: name, message: `${because} is set but ${name} is missing` });
    return this.read(name, check);
  }

  /** Records a problem that only several variables together show. `problem` continues the name. */
  noteWrong(name: VariableName, problem: string): void {
    this.wrong.push({ path: name, message: `${name} ${problem}` });
  }

  #text(name: VariableName): string | null {
    return this.#environment[name]?.trim() || null;
  }
}

/**
 * - `ready`: can be used, as far as the environment shows.
 * - `incomplete`: someone began to configure it, and a variable is missing.
 * - `invalid`: one of its variables is wrong.
 * - `not-configured`: none of its variables is set.
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

/** Ready with `settings()` when the reader found no problem; else the problems. */
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
