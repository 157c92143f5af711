/**
 * Reads and lists.
 *
 * Owns: what counts as absent. The worst that can happen: an object is called absent because the bucket is gone or the
 * right to see it is missing; so `null` is said for NoSuchKey alone, and HEAD, which has no words, is not asked.
 */
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3';
import { AppError } from '../../errors.ts';
import { isKey } from '../keys.ts';
import type { ByteRange, ListPage, ObjectInfo } from '../store.ts';
import { Download, rangeHeader } from './download.ts';
import { isRefusal, type Refusal, type Requests } from './requests.ts';

export interface Described {
  readonly info: ObjectInfo;
  readonly etag: string | undefined;
}

export class Reading {
  readonly #requests: Requests;
  readonly #bucket: string;

  constructor(requests: Requests, bucket: string) {
    this.#requests = requests;
    this.#bucket = bucket;
  }

  /** The object under way; no bytes for a range that it does not reach; or null. */
  async open(key: string, range: ByteRange | undefined, signal?: AbortSignal): Promise<Download | 'nothing' | null> {
    // HTTP has no empty ranges.
    if (range && range.start === range.end) return (await this.describe(key, signal)) && 'nothing';
    const answer = await this.#get(key, range && rangeHeader(range), signal);
    if (!isRefusal(answer)) return new Download(answer, range, this.#requests.contextOf('GetObject'));
    return answer.refused === 'NoSuchKey' ? null : 'nothing';
  }

  /**
   * Asks for one byte rather than by HEAD. It costs the same; its refusals say why; and it keeps the connection where a
   * store answers HEAD without a length, for Node then closes it: https://github.com/nodejs/node/issues/28438
   */
  async describe(key: string, signal?: AbortSignal): Promise<Described | null> {
    const answer = await this.#get(key, 'bytes=0-0', signal);
    if (isRefusal(answer)) return answer.refused === 'NoSuchKey' ? null : this.#describeEmpty(key, signal);
    const total = answer.ContentRange?.split('/')[1];
    const download = new Download(answer, undefined, this.#requests.contextOf('GetObject'));
    // A store that knows no ranges sends all of it.
    if (total === undefined) download.discard();
    else await download.whole(signal);
    return described(key, total === undefined ? answer.ContentLength : Number(total), answer);
  }

  /** An empty object has no first byte, and the refusal does not tell its date. */
  async #describeEmpty(key: string, signal?: AbortSignal): Promise<Described> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: key });
    const answer = await this.#requests.ask('HeadObject', command, { signal, expect: ['NotFound'] });
    if (!isRefusal(answer)) return described(key, answer.ContentLength, answer);
    throw new AppError('unavailable', `The store says of ${key} both that it is there and that it is not.`);
  }

  async #get(key: string, Range: string | undefined, signal?: AbortSignal): Promise<GetObjectCommandOutput | Refusal> {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: key, Range });
    const expect = Range === undefined ? ['NoSuchKey'] : ['NoSuchKey', 'InvalidRange'];
    return this.#requests.ask('GetObject', command, { signal, expect });
  }

  /** Passes over what is no key of the contract, such as the folders that AWS's console makes. */
  async list(Prefix: string, StartAfter: string | undefined, MaxKeys: number, signal?: AbortSignal): Promise<ListPage> {
    for (let ContinuationToken: string | undefined; ;) {
      const position = ContinuationToken === undefined ? { StartAfter } : { ContinuationToken };
      const command = new ListObjectsV2Command({ Bucket: this.#bucket, Prefix, MaxKeys, ...position });
      const answer = await this.#requests.send('ListObjectsV2', command, signal);
      const objects = objectsOf(answer);
      const more = answer.IsTruncated === true;
      if (objects.length > 0 || !more) return { objects, more };
      ContinuationToken = answer.NextContinuationToken;
    }
  }
}

function objectsOf({ Contents = [] }: ListObjectsV2CommandOutput): readonly ObjectInfo[] {
  return Contents.flatMap(({ Key = '', ...object }) => (isKey(Key) ? [described(Key, object.Size, object).info] : []));
}

interface Headers {
  readonly LastModified?: Date | undefined;
  readonly ETag?: string | undefined;
}

/** A size or date that is missing is not made up: someone may delete by it. */
function described(key: string, size: number | undefined, { LastModified, ETag }: Headers): Described {
  if (size === undefined || !Number.isSafeInteger(size) || !LastModified) {
    throw new AppError('unavailable', `The store told neither the size nor the date of ${key} as S3 does.`);
  }
  return { info: { key, size, modifiedAt: wholeSeconds(LastModified) }, etag: ETag };
}

/** HTTP tells no more; lists of some stores do. One object has one date. */
function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}
