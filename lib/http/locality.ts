/**
 * Whether a request comes from the machine that this server runs on, and from a page of this server if from a browser.
 * Without a token, only this check protects the database from the network.
 *
 * `vercel dev` overwrites x-real-ip with the peer of its socket, and x-vercel-deployment-url with the header Host as it
 * came; the others are as the client chose them. So every header that names a peer or a host has to name this machine,
 * and one that names the peer has to be there.
 */
import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');
// IPv4 in IPv6, as a socket that listens on both says it.
loopback.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');

const peerHeaders = ['x-real-ip', 'x-vercel-forwarded-for', 'x-forwarded-for'] as const;
const hostHeaders = ['host', 'x-forwarded-host', 'x-vercel-deployment-url'] as const;

/** Why the request is not local, as a sentence; null when it is. */
export function whyNotLocal(request: Request, allowedOrigins: readonly string[]): string | null {
  if (!comesFromLoopback(request.headers)) return 'The request comes from another machine.';
  if (!namesLoopback(request)) return 'The request names a host that is not localhost, 127.0.0.1 or [::1].';
  if (!isOfOwnPage(request, allowedOrigins))
    return 'A page of another origin sent the request; CORS_ORIGINS can allow it.';
  return null;
}

function comesFromLoopback(headers: Headers): boolean {
  const peers = peerHeaders.flatMap((name) => headers.get(name)?.split(',') ?? []).map((peer) => peer.trim());
  const isDirect = headers.get('forwarded') === null && headers.get('via') === null;
  return isDirect && peers.length > 0 && peers.every(isLoopbackAddress);
}

function isLoopbackAddress(text: string): boolean {
  const family = isIP(text);
  return family !== 0 && loopback.check(text, family === 4 ? 'ipv4' : 'ipv6');
}

function namesLoopback({ headers, url }: Request): boolean {
  const hosts = hostHeaders.flatMap((name) => headers.get(name) ?? []);
  return [new URL(url).host, ...hosts].every((host) => /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i.test(host));
}

/** Programs that are no browsers send neither header. https://www.w3.org/TR/fetch-metadata/ */
function isOfOwnPage({ headers, url }: Request, allowedOrigins: readonly string[]): boolean {
  const origin = headers.get('origin');
  if (origin !== null) return origin === new URL(url).origin || allowedOrigins.includes(origin);
  return ['same-origin', 'none', null].includes(headers.get('sec-fetch-site'));
}

/** What any page may send without asking first. https://fetch.spec.whatwg.org/#cors-safelisted-request-header */
const simpleTypes = /^\s*(?:text\/plain|application\/x-www-form-urlencoded|multipart\/form-data)\b/i;

/**
 * Whether a page of another origin could have had a browser send it that says neither where it comes from: a form, or an
 * image. A header of our own is none that a page may add.
 */
export function couldBeOfAnyPage({ method, headers }: Request): boolean {
  const saysWhere = headers.get('origin') ?? headers.get('sec-fetch-site');
  if (saysWhere !== null || headers.get('neon-connection-string') !== null) return false;
  return method !== 'POST' || simpleTypes.test(headers.get('content-type') ?? '');
}
