/** What each kind of variable may hold. A check answers the parsed value, or what is wrong in words of its own. */
import type { Check, Checked } from './variables.ts';

const shortestToken = 16;
const longestSegment = 200;
const longestKey = 700;

const wrong = (problem: string): { readonly problem: string } => ({ problem });

/** Text that fits `pattern`; `problem` says what it should be. */
function matching(pattern: RegExp, problem: string): Check<string> {
  return (text) => (pattern.test(text) ? { value: text } : wrong(problem));
}

/** One of `words`, in any case. */
export function oneOf<const W extends string>(words: readonly W[]): Check<W> {
  return (text) => {
    const word = words.find((candidate) => candidate === text.toLowerCase());
    return word === undefined ? wrong(`must be one of: ${words.join(', ')}`) : { value: word };
  };
}

/** `true`, `1`, `yes`, `on` and their opposites, in any case. */
export function checkBoolean(text: string): Checked<boolean> {
  if (/^(true|1|yes|on)$/i.test(text)) return { value: true };
  if (/^(false|0|no|off)$/i.test(text)) return { value: false };
  return wrong('must be true or false');
}

/** Milliseconds, a whole number of 0 or more. */
export function checkMilliseconds(text: string): Checked<number> {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? { value } : wrong('must be a whole number of milliseconds, 0 or more');
}

/** A credential as providers issue them: printable, without blanks. */
export const checkCredential = matching(
  /^[\x21-\x7e]+$/,
  'must be printable ASCII characters without blanks or line breaks',
);

/** A bearer token: what an `Authorization` header can carry, and not to be guessed. */
export function checkToken(text: string): Checked<string> {
  const printable = checkCredential(text);
  if ('problem' in printable || text.length >= shortestToken) return printable;
  return wrong(`must be at least ${shortestToken} characters long`);
}

/** `*`, or origins as browsers send them, separated by commas. */
export function checkOrigins(text: string): Checked<readonly string[]> {
  const origins = text.split(',').map((part) => part.trim());
  if (text === '*') return { value: origins };
  if (origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin)) return { value: origins };
  return wrong('must be * or origins such as https://app.example.com, separated by commas, without a path');
}

/** A bucket of S3 or GCS. Wide enough for old and S3-compatible names, and still no URL, ARN or path. */
export const checkBucket = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/,
  'must be the plain name of a bucket (letters, digits, ".", "_", "-"), not a URL or a path',
);

export const checkRegion = matching(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be a region such as eu-west-1');

export const checkRoleArn = matching(
  /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/,
  'must be the ARN of a role, such as arn:aws:iam::123456789012:role/eider',
);

/** `vercel_blob_rw_<storeId>_<secret>` */
export function checkBlobToken(text: string): Checked<{ readonly token: string; readonly storeId: string }> {
  const storeId = /^vercel_blob_rw_([A-Za-z0-9]+)_[A-Za-z0-9]+$/.exec(text)?.[1];
  if (storeId !== undefined) return { value: { token: text, storeId } };
  return wrong('must have the form vercel_blob_rw_<store id>_<secret>, as shown with the Blob store on Vercel');
}

/** As Vercel shows it, with or without its `store_`: https://vercel.com/docs/vercel-blob */
export function checkBlobStoreId(text: string): Checked<string> {
  const storeId = /^(?:store_)?([A-Za-z0-9]+)$/.exec(text)?.[1];
  return storeId === undefined ? wrong('must be the id of a Blob store, such as store_AbC123') : { value: storeId };
}

/** The base URL of a store's API, without a slash at its end. */
export function checkEndpoint(text: string): Checked<string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    return wrong('must be a URL that begins with https:// or http://');
  if (url.username !== '' || url.password !== '') return wrong('must not hold a user name or password');
  if (url.search !== '' || url.hash !== '') return wrong('must be a URL without "?" and "#"');
  return { value: url.href.replace(/\/+$/, '') };
}

/** An emulator's address as Google's tools take it: a URL, or a host and port without the protocol. */
export function checkEmulatorHost(text: string): Checked<string> {
  return checkEndpoint(/^https?:/i.test(text) ? text : `http://${text}`);
}

/** A PostgreSQL connection URL; `driver` is Neon's own for its hosts. */
export function checkPostgresUrl(text: string): Checked<{ connectionString: string; driver: 'pg' | 'neon' }> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    return wrong(
      'must be a URL such as postgres://user:password@host:5432/database (special characters in the password percent-encoded)',
    );
  }
  // A password with "#", "/", "?" or "@" that is not encoded ends up in other parts, which are shown.
  const isMisread =
    url.hash !== '' || /[/@]/.test(url.pathname.slice(1)) || (url.username === '' && text.includes('@'));
  if (isMisread || [...url.searchParams.keys()].some((name) => !/^\w+$/.test(name))) {
    return wrong('has a special character in the user, the password or the database that is not percent-encoded');
  }
  const host = url.hostname || url.searchParams.get('host') || '';
  if (host === '') return wrong('must name a host: postgres://user:password@host:5432/database');
  return { value: { connectionString: text, driver: /\.neon\.tech$/i.test(host) ? 'neon' : 'pg' } };
}

/** The database file's key in a bucket: segments of `[A-Za-z0-9._-]` separated by `/`, as every store takes them. */
export function checkDatabaseKey(text: string): Checked<string> {
  if (/^\/|\/$/.test(text)) return wrong('must neither begin nor end with "/"');
  if (text.length > longestKey) return wrong(`must be at most ${longestKey} characters long`);
  const badSegment = text.split('/').some((segment) => !isSegment(segment));
  return badSegment
    ? wrong(
        `must be made of letters, digits, ".", "_" and "-", with "/" between folders, each part at most ${longestSegment} characters and none of them "." or ".."`,
      )
    : { value: text };
}

/** One part of a key, short enough for what is appended to it to fit a file name. */
export function isSegment(text: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(text) && !/^\.{1,2}$/.test(text) && text.length <= longestSegment;
}
