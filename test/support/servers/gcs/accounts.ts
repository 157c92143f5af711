/** A service account with a key of its own, and the token endpoint that believes it. */
import { createVerify, generateKeyPairSync, randomUUID } from 'node:crypto';

/** The SDK knows only this one: tests bring its requests here. */
export const tokenUrl = 'https://oauth2.googleapis.com/token';

const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const reasonableMs = 5 * 60 * 1000;

export interface TokenAnswer {
  readonly status: number;
  readonly body: object;
}

export class Accounts {
  readonly email = 'eider@test-project.iam.gserviceaccount.com';
  readonly #pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  readonly #refreshToken = `1//${randomUUID()}`;
  #tokens = new Set<string>();
  /** How far this server's clock is ahead. */
  clockAheadMs = 0;
  /** As after the key, or the account, was deleted. */
  isDeleted = false;
  /** Tokens given so far. */
  issued = 0;

  /** As the console issues it. */
  get key() {
    return {
      type: 'service_account' as const,
      project_id: 'test-project',
      private_key_id: '0123456789abcdef',
      private_key: this.#pair.privateKey,
      client_email: this.email,
      client_id: '100000000000000000001',
      token_uri: tokenUrl,
      universe_domain: 'googleapis.com',
    };
  }

  /** A person's, as `gcloud auth application-default login` leaves it. */
  get userKey() {
    return {
      type: 'authorized_user' as const,
      client_id: 'client-of-a-test',
      client_secret: 'secret-of-a-client',
      refresh_token: this.#refreshToken,
    };
  }

  knows(token: string): boolean {
    return this.#tokens.has(token);
  }

  /** Every token so far is refused from now on. */
  revokeTokens(): void {
    this.#tokens = new Set();
  }

  answer(form: URLSearchParams): TokenAnswer {
    if (form.get('grant_type') === 'refresh_token') return this.#refresh(form);
    if (form.get('grant_type') !== grantType) return refusal('unsupported_grant_type', 'Invalid grant_type');
    const [header, claims, signature] = (form.get('assertion') ?? '').split('.');
    const { iss, aud, iat, exp, scope } = decode(claims);
    const now = (Date.now() + this.clockAheadMs) / 1000;
    if (decode(header)['alg'] !== 'RS256' || aud !== tokenUrl) return refusal('invalid_grant', 'Invalid JWT.');
    if (this.isDeleted || iss !== this.email) return refusal('invalid_grant', 'Invalid grant: account not found');
    const verifier = createVerify('RSA-SHA256').update(`${header}.${claims}`);
    if (!verifier.verify(this.#pair.publicKey, Buffer.from(signature ?? '', 'base64url'))) {
      return refusal('invalid_grant', 'Invalid JWT Signature.');
    }
    const isTimely = Number(exp) - Number(iat) <= 3600 && Math.abs(Number(iat) - now) * 1000 <= reasonableMs;
    if (!isTimely) {
      return refusal(
        'invalid_grant',
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. ' +
          'Check your iat and exp values in the JWT claim.',
      );
    }
    if (!String(scope).includes('https://www.googleapis.com/auth/')) return refusal('invalid_scope', 'Empty scope.');
    return this.#issue();
  }

  #refresh(form: URLSearchParams): TokenAnswer {
    const isKnown = Object.entries(this.userKey).every(([name, value]) => name === 'type' || form.get(name) === value);
    return isKnown && !this.isDeleted ? this.#issue() : refusal('invalid_grant', 'Token has been expired or revoked.');
  }

  #issue(): TokenAnswer {
    const token = `ya29.${randomUUID()}`;
    this.#tokens.add(token);
    this.issued++;
    return { status: 200, body: { access_token: token, expires_in: 3599, token_type: 'Bearer' } };
  }
}

function decode(part: string | undefined): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function refusal(error: string, description: string): TokenAnswer {
  return { status: error === 'invalid_grant' ? 400 : 401, body: { error, error_description: description } };
}
