/** The files of public/, as a deployment serves them. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Fetch } from '../http/router.ts';

/** The same as in vercel.json; a test holds that. No row of a table can become markup: there is no policy for it. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
};

/** Of files whose names have a hash of what is in them. The same as in vercel.json. */
export const assetCaching = 'public, max-age=31536000, immutable';

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};

/** Serves the files of `folder`; what is none of them goes to `otherwise`. */
export function withStaticFiles(folder: URL, otherwise: Fetch): Fetch {
  const root = fileURLToPath(folder);
  return async (request) => {
    const path = request.method === 'GET' || request.method === 'HEAD' ? fileOf(new URL(request.url).pathname) : null;
    const file = path === null ? null : join(root, path);
    // A file that cannot be read is not served.
    const found = file !== null && (await stat(file).catch(() => null))?.isFile();
    return found === true ? answer(request, file ?? '', path?.startsWith('assets/') === true) : otherwise(request);
  };
}

/** The file of an address below the folder, never outside of it; null for an address that is none of a file. */
function fileOf(pathname: string): string | null {
  const segments = (pathname === '/' ? '/index.html' : pathname).split('/').slice(1);
  const isPlain = segments.every((segment) => /^[\w-][\w.-]*$/.test(segment));
  return isPlain && segments[0] !== 'api' ? segments.join('/') : null;
}

async function answer({ headers: asked, method }: Request, file: string, isAsset: boolean): Promise<Response> {
  const packed = isAsset && accepts(asked, 'br') ? await readFile(`${file}.br`).catch(() => null) : null;
  const content = packed ?? (await readFile(file));
  // Weak: the same file is sent compressed, too.
  const etag = `W/"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
  const headers = {
    ...pageHeaders,
    'cache-control': isAsset ? assetCaching : 'public, max-age=0, must-revalidate',
    etag,
  };
  const known = asked
    .get('if-none-match')
    ?.split(',')
    .map((each) => each.trim().replace(/^(?=")/, 'W/'));
  if (known?.includes(etag) === true || known?.includes('*') === true)
    return new Response(null, { status: 304, headers });
  const type = contentTypes[extname(file)] ?? 'application/octet-stream';
  const about = {
    ...headers,
    'content-type': type,
    'content-length': String(content.length),
    ...(packed === null ? {} : { 'content-encoding': 'br', vary: 'accept-encoding' }),
  };
  return new Response(method === 'HEAD' ? null : content, { headers: about });
}

/** What the build has compressed better than there is time for in an answer. */
function accepts(headers: Headers, encoding: string): boolean {
  return (headers.get('accept-encoding') ?? '').split(',').some((each) => each.trim() === encoding);
}
