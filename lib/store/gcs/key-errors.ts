/**
 * Why a key of Google Cloud got no token. The SDK's errors carry the signed request and may quote the key: only codes,
 * and the two words that the token endpoint answers, are taken from them.
 */
import { AppError } from '../../errors.ts';
import { ProviderFailure } from '../driver/failure.ts';
import { field } from './json.ts';

export function explainKey(error: unknown): AppError {
  const response = field(error, 'response');
  const status = field(response, 'status');
  // https://developers.google.com/identity/protocols/oauth2/service-account#error-codes
  const word = wordOf(field(field(response, 'data'), 'error'), /^[a-z_]{1,40}$/);
  const description = wordOf(field(field(response, 'data'), 'error_description'), /^[\w .,:;()'-]{1,200}$/);
  const code = codeOf(error);
  const [kind, message, hint] =
    typeof status === 'number' ? meaningOfAnswer(status, word, description) : meaningOfCode(code);
  return new AppError(kind, message, {
    cause: new ProviderFailure(description || word || code, { code: word || code }),
    hint,
  });
}

type Meaning = readonly [kind: 'denied' | 'unavailable', message: string, hint: string];

const checkNetwork = 'Check the network, and https://status.cloud.google.com.';

function meaningOfAnswer(status: number, error: string, description: string): Meaning {
  if (status === 429 || status >= 500) {
    return ['unavailable', `Google gives no access token now (${status}).`, checkNetwork];
  }
  if (/reasonable timeframe|iat and exp/i.test(description)) {
    return [
      'denied',
      'Google refuses the key in GOOGLE_APPLICATION_CREDENTIALS because the clock of this machine is wrong.',
      'Set the clock right: Google allows a few minutes.',
    ];
  }
  const isDead = /^(invalid_grant|invalid_client|deleted_client|disabled_client|account_disabled)$/.test(error);
  const why = isDead ? 'is no longer valid: it expired, or it, or its account, was deleted or disabled' : 'was refused';
  return [
    'denied',
    `The key in GOOGLE_APPLICATION_CREDENTIALS ${why}${error && ` (${error})`}.`,
    'Create a new key for the service account, and set GOOGLE_APPLICATION_CREDENTIALS to it.',
  ];
}

function meaningOfCode(code: string): Meaning {
  if (/^(ENOENT|EACCES|EPERM|EISDIR|ENOTDIR)$/.test(code)) {
    return [
      'denied',
      `The key file that GOOGLE_APPLICATION_CREDENTIALS names cannot be read (${code}).`,
      'Correct the path, or put the JSON of the key itself into GOOGLE_APPLICATION_CREDENTIALS.',
    ];
  }
  if (/^(E[A-Z]+|UND_ERR_\w+|TimeoutError|AbortError)$/.test(code)) {
    return ['unavailable', `Google could not be asked for an access token (${code}).`, checkNetwork];
  }
  return [
    'denied',
    'The key in GOOGLE_APPLICATION_CREDENTIALS cannot be used: it is damaged or of no known kind.',
    'Set GOOGLE_APPLICATION_CREDENTIALS to the JSON key of a service account, unchanged.',
  ];
}

/** The innermost code in the chain of causes: `fetch` hides the system's. */
function codeOf(error: unknown): string {
  const causes = [error, field(error, 'cause'), field(field(error, 'cause'), 'cause')].toReversed();
  const codes = causes.map((cause) => wordOf(field(cause, 'code'), /^[A-Za-z_0-9]{1,60}$/));
  return codes.find((code) => code !== '') ?? '';
}

function wordOf(value: unknown, shape: RegExp): string {
  return typeof value === 'string' && shape.test(value) ? value : '';
}
