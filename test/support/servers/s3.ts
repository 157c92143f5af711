/**
 * A real S3 server on loopback: miniflare, which is workerd's R2 behind its S3 endpoint. Signatures are checked, and
 * conditional PUTs are atomic.
 *
 * A gate of ours stands before it for what miniflare lacks and R2 and AWS have: the condition of
 * CompleteMultipartUpload (miniflare ignores it), and ListMultipartUploads (miniflare answers 501).
 */
import type { Readable } from 'node:stream';
import { Miniflare } from 'miniflare';
import { type Answer, type ForwardedRequest, startProxy } from './proxy.ts';

export interface S3ServerOptions {
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  /** Whether our gate stands before miniflare. Default true. */
  readonly gate?: boolean;
}

export interface S3Server {
  /** Base URL of the API, for `S3_ENDPOINT`. Its origin may be replaced by a proxy's. */
  readonly endpoint: string;
  readonly region: 'auto';
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Uploads that were begun and neither completed nor aborted. */
  readonly uploads: Uploads;
  /** Empties the bucket. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

const bucket = 'bucket';

/** What is used of https://developers.cloudflare.com/r2/api/workers/workers-api-reference/, whose types are a package. */
interface R2Bucket {
  head(key: string): Promise<object | null>;
  list(): Promise<{ readonly objects: readonly { readonly key: string }[]; readonly truncated: boolean }>;
  delete(keys: string[]): Promise<void>;
}

export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const { accessKeyId = 'AKIATEST', secretAccessKey = 'test-secret-key', gate = true } = options;
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port: 0,
    modules: true,
    script: 'export default { fetch() { return new Response("not S3", { status: 404 }); } };',
    compatibilityDate: '2026-07-01',
    // It warns of its own uploads at each part.
    handleRuntimeStdio: (output: Readable, warnings: Readable) => {
      output.resume();
      warnings.resume();
    },
    r2Buckets: { B: { id: bucket, s3Credentials: { accessKeyId, secretAccessKey } } },
  });
  const { origin } = await miniflare.ready;
  const objects = (await miniflare.getR2Bucket('B')) as unknown as R2Bucket;
  const uploads = new Uploads();
  const around = gateOf(uploads, async (key) => (await objects.head(key)) !== null);
  const proxy = gate ? await startProxy({ target: origin, around }) : null;
  return {
    endpoint: `${proxy?.url ?? origin}${root}`,
    region: 'auto',
    bucket,
    accessKeyId,
    secretAccessKey,
    uploads,
    reset: async () => {
      uploads.clear();
      for (let truncated = true; truncated;) {
        const page = await objects.list();
        if (page.objects.length > 0) await objects.delete(page.objects.map(({ key }) => key));
        truncated = page.truncated;
      }
    },
    close: async () => {
      await proxy?.close();
      await miniflare.dispose();
    },
  };
}

const root = '/cdn-cgi/local/r2/s3';

interface Upload {
  readonly key: string;
  readonly uploadId: string;
  initiatedMs: number;
}

/** What ListMultipartUploads would tell. */
export class Uploads {
  #uploads: Upload[] = [];

  get keys(): readonly string[] {
    return this.#uploads.map(({ key }) => key);
  }

  /** Makes those that are there older. */
  age(ms: number): void {
    for (const upload of this.#uploads) upload.initiatedMs -= ms;
  }

  begun(key: string, uploadId: string): void {
    this.#uploads.push({ key, uploadId, initiatedMs: Date.now() });
  }

  ended(uploadId: string): void {
    this.#uploads = this.#uploads.filter((upload) => upload.uploadId !== uploadId);
  }

  clear(): void {
    this.#uploads = [];
  }

  toXml(prefix: string): string {
    const found = this.#uploads.filter(({ key }) => key.startsWith(prefix));
    const entries = found.map(
      ({ key, uploadId, initiatedMs }) =>
        `<Upload><Key>${key}</Key><UploadId>${uploadId}</UploadId>` +
        `<Initiated>${new Date(initiatedMs).toISOString()}</Initiated></Upload>`,
    );
    return `<ListMultipartUploadsResult><Bucket>${bucket}</Bucket>${entries.join('')}</ListMultipartUploadsResult>`;
  }
}

type Forward = () => Promise<Answer>;

function gateOf(uploads: Uploads, exists: (key: string) => Promise<boolean>) {
  const locks = new Locks();
  return async (request: ForwardedRequest, _body: Buffer, forward: Forward): Promise<Answer> => {
    const url = new URL(request.path, 'http://gate');
    const key = decodeURIComponent(url.pathname.slice(`${root}/${bucket}/`.length));
    const uploadId = url.searchParams.get('uploadId');
    if (url.searchParams.has('uploads')) return beginOrList(uploads, request, key, url, forward);
    if (url.searchParams.has('partNumber')) return forward();
    if (request.method === 'POST' && uploadId !== null) {
      return locks.alone(key, () => complete(uploads, uploadId, request, () => exists(key), forward));
    }
    if (request.method === 'DELETE' && uploadId !== null) return endOn(204, uploads, uploadId, forward);
    return request.method === 'PUT' ? locks.together(key, forward) : forward();
  };
}

async function beginOrList(uploads: Uploads, request: ForwardedRequest, key: string, url: URL, forward: Forward) {
  const answer = await forward();
  if (request.method === 'POST' && answer.status === 200) {
    uploads.begun(key, /<UploadId>([^<]+)</.exec(answer.body.toString())?.[1] ?? '');
  }
  // The signature was right: miniflare looks at it first.
  if (request.method !== 'GET' || answer.status !== 501) return answer;
  return xml(200, uploads.toXml(url.searchParams.get('prefix') ?? ''));
}

async function complete(
  uploads: Uploads,
  uploadId: string,
  { headers }: ForwardedRequest,
  exists: () => Promise<boolean>,
  forward: Forward,
): Promise<Answer> {
  if (headers['if-none-match'] === '*' && (await exists())) {
    return xml(412, '<Error><Code>PreconditionFailed</Code><Message>The object is there.</Message></Error>');
  }
  return endOn(200, uploads, uploadId, forward);
}

async function endOn(status: number, uploads: Uploads, uploadId: string, forward: Forward): Promise<Answer> {
  const answer = await forward();
  if (answer.status === status) uploads.ended(uploadId);
  return answer;
}

function xml(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(body) };
}

/** PUTs of one key may run together: which of them wins is miniflare's to say. What completes parts runs alone. */
class Locks {
  readonly #last = new Map<string, { alone: Promise<unknown>; together: Promise<unknown> }>();

  async together<T>(key: string, work: () => Promise<T>): Promise<T> {
    const last = this.#of(key);
    const running = last.alone.then(work);
    last.together = Promise.allSettled([last.together, running]);
    return running;
  }

  async alone<T>(key: string, work: () => Promise<T>): Promise<T> {
    const last = this.#of(key);
    const running = Promise.allSettled([last.alone, last.together]).then(work);
    last.alone = running.catch(() => undefined);
    return running;
  }

  #of(key: string) {
    const last = this.#last.get(key) ?? { alone: Promise.resolve(), together: Promise.resolve() };
    this.#last.set(key, last);
    return last;
  }
}
