/**
 * The first backend that anyone began to configure is chosen, or nothing is: a slip in one variable must not silently
 * select another data set.
 */
import { isAbsolute } from 'node:path/posix';
import { AppError, type FieldError } from '../errors.ts';
import { backendNames, type BackendSettings } from './backends.ts';
import * as checks from './checks.ts';
import { type Candidate, choose, chosenByProgram } from './choice.ts';
import { type VariableCheck, type Environment, VariableReader } from './variables.ts';

export interface Config {
  readonly chosen: BackendSettings;
  /** Those that may serve when the ones before them cannot be reached, in order. */
  readonly fallbacks: readonly BackendSettings[];
  readonly candidates: readonly Candidate[];
  /** How old the state of a read may be, in ms; 0: at the head of the log when the read began. */
  readonly maxStalenessMs: number;
  readonly fallbackWrites: 'accept' | 'reject';
  readonly access: AccessSettings;
  /** Memory of the whole function in bytes; null where the platform does not say. */
  readonly memoryBytes: number | null;
  readonly tmpDirectory: string;
  readonly onVercel: boolean;
  /** A preview deployment with the database of others, which it must not change. */
  readonly readOnly: boolean;
  /** Whether each request is logged, and not failures alone. */
  readonly logRequests: boolean;
}

/** The configuration even when it is wrong, so that a mistake never opens access. */
export interface Examination extends Pick<Config, 'access' | 'onVercel' | 'candidates'> {
  /** Null exactly when there are `problems` that forbid it. */
  readonly config: Config | null;
  /** Empty when there is a `config`. Those that forbid it come first. `path` is the variable. */
  readonly problems: readonly FieldError[];
}

/** Reads the environment. Throws `invalid`, with one field for each variable that is wrong or missing, and never a value. */
export function readConfig(environment: Environment): Config {
  const { config, problems } = examineEnvironment(environment);
  if (config !== null) return config;
  const messages = problems.map((problem) => problem.message).join('; ');
  throw new AppError('invalid', `The configuration is wrong: ${messages}`, {
    fields: problems,
    hint: 'Correct or remove these environment variables; DB_BACKEND chooses a backend whatever the others hold.',
  });
}

/**
 * Like `readConfig`, but answers what is wrong instead of throwing: for db-status, which must explain itself. `given`: the
 * backend that the program names; of the environment all else is read.
 */
export function examineEnvironment(environment: Environment, given?: BackendSettings): Examination {
  const reader = new VariableReader(environment);
  const forced = reader.read('DB_BACKEND', checks.oneOf(backendNames));
  const settings = readGeneral(reader);
  const isForceWrong = reader.isSet('DB_BACKEND') && forced === null;
  const { forbidding, harmless, chosen, ...choice } = given
    ? chosenByProgram(given)
    : choose(environment, isForceWrong ? 'wrong' : forced);
  const problems = [...reader.wrong, ...forbidding];
  const { access, onVercel } = settings;
  const seen = { access, onVercel, candidates: choice.candidates };
  // The local disk is not shared.
  const readOnly = settings.readOnly && chosen?.backend !== 'local';
  if (chosen && problems.length === 0)
    return { ...seen, config: { chosen, ...choice, ...settings, readOnly }, problems: [] };
  return { ...seen, config: null, problems: [...problems, ...harmless] };
}

type GeneralSettings = Omit<Config, 'chosen' | 'fallbacks' | 'candidates'>;

function readGeneral(reader: VariableReader): GeneralSettings {
  return {
    maxStalenessMs: reader.read('DB_MAX_STALENESS_MS', checks.checkMilliseconds) ?? 0,
    fallbackWrites: reader.read('DB_FALLBACK_WRITES', checks.oneOf(['accept', 'reject'])) ?? 'accept',
    access: readAccess(reader),
    memoryBytes: readMemory(reader),
    tmpDirectory: reader.read('TMPDIR', absolute) ?? '/tmp',
    onVercel: reader.isSet('VERCEL'),
    // https://vercel.com/docs/environment-variables/system-environment-variables#VERCEL_ENV
    readOnly:
      reader.read('DB_PREVIEW', checks.oneOf(['read-only', 'shared'])) !== 'shared' &&
      reader.read('VERCEL_ENV', (text) => ({ value: text })) === 'preview',
    logRequests: reader.read('LOG_REQUESTS', checks.checkBoolean) ?? false,
  };
}

const absolute: VariableCheck<string> = (text) =>
  isAbsolute(text) ? { value: text } : { problem: 'must be an absolute path, beginning with "/"' };

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html: in MB. What is no number says nothing. */
function readMemory(reader: VariableReader): number | null {
  const megabytes = reader.read('AWS_LAMBDA_FUNCTION_MEMORY_SIZE', (text) => ({ value: Number(text) }));
  return megabytes !== null && Number.isFinite(megabytes) && megabytes >= 128 ? megabytes * 1024 * 1024 : null;
}

/** Null when that token is not set. */
export interface AccessSettings {
  readonly adminToken: string | null;
  readonly apiToken: string | null;
  readonly cronSecret: string | null;
  /** A token is set to what cannot be used. */
  readonly hasWrongToken: boolean;
  readonly publicRead: boolean;
  /** Origins whose pages may call the API from a browser; `*`: all. */
  readonly corsOrigins: readonly string[];
}

function readAccess(reader: VariableReader): AccessSettings {
  const wrongBefore = reader.wrong.length;
  const names = ['ADMIN_TOKEN', 'API_TOKEN', 'CRON_SECRET'] as const;
  const tokens = names.map((name) => reader.read(name, checks.checkToken));
  const shared = tokens.filter((token, index) => token !== null && tokens.indexOf(token) < index);
  for (const [index, token] of tokens.entries()) {
    if (!shared.includes(token) || tokens.indexOf(token) === index) continue;
    const problem = 'must not be the same as another token: who holds one could do what the other is for';
    reader.noteWrong(names[index]!, problem);
  }
  // A token that two roles share is refused.
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
