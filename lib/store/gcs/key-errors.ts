/**
 * Why a key of Google Cloud got no token, as kinds, messages and hints.
 *
 * Owns: the reading of the SDK's errors, which carry the signed request and may quote the key. The worst that can
 * happen: that any of this leaves; so only codes, and the two words that the token endpoint answers, are taken.
 */
import { AppError } from '../../errors.ts';

/** What the token endpoint said: https://developers.google.com/identity/protocols/oauth2/service-account#error-codes */
interface Said {
  readonly status: number | null;
  readonly error: string;
  readonly description: string;
}

/** What is kept as the cause. */
class KeyFailure extends Error {
  override readonly name = 'KeyFailure';
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.code = code;
  }
}

export function explainKey(error: unknown): AppError {
  const said = saidBy(error);
  const code = codeOf(error);
  const cause = new KeyFailure(said.error || code, said.description || said.error || code);
  if (said.status !== null) return explainSaid(said, cause);
  if (/^(ENOENT|EACCES|EPERM|EISDIR|ENOTDIR)$/.test(code)) return explainFile(code, cause);
  if (/^(E[A-Z]+|UND_ERR_\w+|TimeoutError|AbortError)$/.test(code)) return explainSilence(code, cause);
  return new AppError(
    'denied',
    'The key in GOOGLE_APPLICATION_CREDENTIALS cannot be used: it is damaged or of no known kind.',
    {
      cause,
      hint: 'Set GOOGLE_APPLICATION_CREDENTIALS to the JSON key of a service account, unchanged.',
    },
  );
}

function explainSaid({ status, error, description }: Said, cause: Error): AppError {
  if (status === 429 || (status ?? 0) >= 500) {
    return new AppError('unavailable', `Google gives no access token now (${status}).`, {
      cause,
      hint: 'Look at https://status.cloud.google.com.',
    });
  }
  if (/reasonable timeframe|iat and exp/i.test(description)) {
    return new AppError(
      'denied',
      'Google refuses the key in GOOGLE_APPLICATION_CREDENTIALS because the clock of this machine is wrong.',
      {
        cause,
        hint: 'Set the clock right: Google allows a few minutes.',
      },
    );
  }
  const isDead = /^(invalid_grant|invalid_client|deleted_client|disabled_client|account_disabled)$/.test(error);
  const why = isDead ? 'is no longer valid: it expired, or it, or its account, was deleted or disabled' : 'was refused';
  return new AppError('denied', `The key in GOOGLE_APPLICATION_CREDENTIALS ${why}${error && ` (${error})`}.`, {
    cause,
    hint: 'Create a new key for the service account, and set GOOGLE_APPLICATION_CREDENTIALS to it.',
  });
}

function explainFile(code: string, cause: Error): AppError {
  return new AppError('denied', `The key file that GOOGLE_APPLICATION_CREDENTIALS names cannot be read (${code}).`, {
    cause,
    hint: 'Correct the path, or put the JSON of the key itself into GOOGLE_APPLICATION_CREDENTIALS.',
  });
}

function explainSilence(code: string, cause: Error): AppError {
  return new AppError('unavailable', `Google could not be asked for an access token (${code}).`, {
    cause,
    hint: 'Check the network, and https://status.cloud.google.com.',
  });
}

function saidBy(error: unknown): Said {
  const response = field(error, 'response');
  const data = field(response, 'data');
  const status = field(response, 'status');
  return {
    status: typeof status === 'number' ? status : null,
    error: wordOf(field(data, 'error'), /^[a-z_]{1,40}$/),
    description: wordOf(field(data, 'error_description'), /^[\w .,:;()'-]{1,200}$/),
  };
}

/** The first code in the chain of causes, the innermost counting most: `fetch` hides the system's. */
function codeOf(error: unknown): string {
  const causes = [error, field(error, 'cause'), field(field(error, 'cause'), 'cause')].toReversed();
  const codes = causes.map((cause) => wordOf(field(cause, 'code'), /^[A-Za-z_0-9]{1,60}$/));
  return codes.find((code) => code !== '') ?? '';
}

function wordOf(value: unknown, shape: RegExp): string {
  return typeof value === 'string' && shape.test(value) ? value : '';
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
