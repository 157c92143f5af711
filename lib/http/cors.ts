/**
 * Which pages of other origins may call the API from a browser, and what they may see. https://fetch.spec.whatwg.org/#http-cors-protocol
 *
 * Credentials are never allowed: a token goes into the header authorization, which a page has to hold itself, and no
 * cookie means anything here.
 */

const requestHeaders = [
  'accept',
  'accept-profile',
  'apikey',
  'authorization',
  'content-profile',
  'content-type',
  'db-bookmark',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'neon-array-mode',
  'neon-batch-deferrable',
  'neon-batch-isolation-level',
  'neon-batch-read-only',
  'neon-connection-string',
  'neon-raw-text-output',
  'prefer',
  'range',
  'range-unit',
  'x-client-info',
  'x-retry-count',
];

const answerHeaders = [
  'age',
  'content-disposition',
  'content-location',
  'content-range',
  'db-backend',
  'db-bookmark',
  'db-degraded',
  'db-durability',
  'etag',
  'idempotent-replayed',
  'location',
  'neon-batch-deferrable',
  'neon-batch-isolation-level',
  'neon-batch-read-only',
  'preference-applied',
  'retry-after',
  'server-timing',
  'www-authenticate',
  'x-request-id',
];

/** How long a browser may keep the answer to a preflight, in seconds. */
const preflightSeconds = 600;

/** Sets what a browser needs on the answer to `request`; on one to a preflight also what may follow it. */
export function writeCorsHeaders(request: Request, answer: Headers, allowedOrigins: readonly string[]): void {
  answer.append('vary', 'origin');
  const origin = request.headers.get('origin');
  const allowed = origin !== null && allowedOrigins.find((each) => each === '*' || each === origin);
  if (!allowed) return;
  answer.set('access-control-allow-origin', allowed);
  if (request.method !== 'OPTIONS') {
    answer.set('access-control-expose-headers', answerHeaders.join(', '));
    return;
  }
  answer.set('access-control-allow-methods', answer.get('allow') ?? '');
  answer.set('access-control-allow-headers', requestHeaders.join(', '));
  answer.set('access-control-max-age', String(preflightSeconds));
}
