/**
 * Signs a request to S3 anew, after a proxy changed its headers: else the server would refuse it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ForwardedRequest } from './proxy.ts';

/** A `rewrite` that drops `If-None-Match`: the server behind it is one that ignores conditions. */
export function withoutConditions(secretAccessKey: string): (request: ForwardedRequest) => IncomingHttpHeaders {
  return (request) => {
    const { 'if-none-match': condition, ...headers } = request.headers;
    return condition === undefined ? headers : signed({ ...request, headers }, secretAccessKey);
  };
}

function signed({ method, path, headers }: ForwardedRequest, secretAccessKey: string): IncomingHttpHeaders {
  const [, scope = '', names = ''] = /Credential=[^/]+\/([^,]+), ?SignedHeaders=([^,]+)/.exec(headers.authorization!)!;
  const signedNames = names.split(';').filter((name) => headers[name] !== undefined);
  const [pathname = '', query = ''] = path.split('?');
  const pairs = query.split('&').filter((pair) => pair !== '');
  const canonical = [
    method,
    pathname,
    pairs
      .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
      .toSorted()
      .join('&'),
    ...signedNames.map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signedNames.join(';'),
    headers['x-amz-content-sha256'],
  ].join('\n');
  const hash = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash].join('\n');
  const key = scope.split('/').reduce<Buffer | string>((last, part) => hmac(last, part), `AWS4${secretAccessKey}`);
  const signature = hmac(key, text).toString('hex');
  const authorization = headers
    .authorization!.replace(/SignedHeaders=[^,]+/, `SignedHeaders=${signedNames.join(';')}`)
    .replace(/Signature=\w+/, `Signature=${signature}`);
  return { ...headers, authorization };
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
