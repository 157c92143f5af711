/** The S3 server of the tests, asked with the real SDK: what it refuses, and what is atomic. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startProxy } from '../../support/servers/proxy.ts';
import { type S3Server, startS3Server } from '../../support/servers/s3.ts';
import { withoutConditions } from '../../support/servers/signing.ts';

let server: S3Server;
const Bucket = 'bucket';

beforeAll(async () => {
  server = await startS3Server();
});

afterAll(() => server.close());

beforeEach(() => server.reset());

function clientOf({ endpoint, region, accessKeyId, secretAccessKey }: S3Server, config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    credentials: { accessKeyId, secretAccessKey },
    ...config,
  });
}

async function upload(client: S3Client, Key: string): Promise<CompleteMultipartUploadCommand> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const part = { Bucket, Key, UploadId, PartNumber: 1, Body: `part of ${UploadId}` };
  const { ETag } = await client.send(new UploadPartCommand(part));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  return new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload, IfNoneMatch: '*' });
}

/** Whether it went through, or the code of the refusal. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: Error) => error.name,
  );
}

const put = (Key: string, Body = 'x') => new PutObjectCommand({ Bucket, Key, Body, IfNoneMatch: '*' });

describe('the S3 server', () => {
  test('refuses a wrong key, a wrong secret, and a list of uploads that is not signed rightly', async () => {
    const wrongKey = clientOf(server, { credentials: { accessKeyId: 'AKIAOTHER', secretAccessKey: 'x' } });
    // One each: the server closes a connection of which it refused a body.
    const wrongSecret = () => clientOf({ ...server, secretAccessKey: 'wrong' });
    expect(await codeOf(wrongKey.send(put('a')))).toBe('Unauthorized');
    expect(await codeOf(wrongSecret().send(put('a')))).toBe('SignatureDoesNotMatch');
    expect(await codeOf(wrongSecret().send(new ListMultipartUploadsCommand({ Bucket })))).toBe('SignatureDoesNotMatch');
    expect((await clientOf(server).send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
  });

  test('tells an absent key from an absent bucket, except to HEAD', async () => {
    const client = clientOf(server);
    expect(await codeOf(client.send(new GetObjectCommand({ Bucket, Key: 'a' })))).toBe('NoSuchKey');
    expect(await codeOf(client.send(new GetObjectCommand({ Bucket: 'other', Key: 'a' })))).toBe('NoSuchBucket');
    expect(await codeOf(client.send(new HeadObjectCommand({ Bucket: 'other', Key: 'a' })))).toBe('NotFound');
  });

  test('lets one of many conditional PUTs win', async () => {
    const client = clientOf(server);
    for (let round = 0; round < 10; round++) {
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => codeOf(client.send(put(`${round}`)))));
      expect(outcomes.toSorted()).toEqual([...Array.from({ length: 19 }, () => 'PreconditionFailed'), 'done']);
    }
  });

  test('lets one of PUTs and uploads win, whichever comes first', async () => {
    const client = clientOf(server);
    for (let round = 0; round < 10; round++) {
      const Key = `k${round}`;
      const uploads = await Promise.all(Array.from({ length: 4 }, () => upload(client, Key)));
      const sending = [...uploads.map((command) => client.send(command)), client.send(put(Key)), client.send(put(Key))];
      const outcomes = await Promise.all(sending.map((sent) => codeOf(sent)));
      expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'PreconditionFailed')).toHaveLength(5);
    }
  });

  test('knows the uploads that were begun and did not end', async () => {
    const client = clientOf(server);
    const list = async (Prefix: string) => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix }));
      return Uploads;
    };
    const [first, second] = [await upload(client, 'd/a'), await upload(client, 'd/b')];
    await upload(client, 'e');
    server.uploads.age(3_600_000);
    expect((await list('d/')).map(({ Key }) => Key)).toEqual(['d/a', 'd/b']);
    expect((await list('e'))[0]?.Initiated?.getTime()).toBeLessThan(Date.now() - 3_599_000);
    await client.send(first);
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'd/b', UploadId: second.input.UploadId }));
    expect(await list('d/')).toEqual([]);
    expect(server.uploads.keys).toEqual(['e']);
    expect(await codeOf(client.send(second))).toBe('NoSuchUpload');
  });

  test('ignores conditions behind a proxy that takes them away', async () => {
    const target = new URL(server.endpoint).origin;
    const proxy = await startProxy({ target, rewrite: withoutConditions(server.secretAccessKey) });
    const client = clientOf({ ...server, endpoint: server.endpoint.replace(target, proxy.url) });
    for (const body of ['first', 'second']) expect(await codeOf(client.send(put('a', body)))).toBe('done');
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'a' }));
    expect(await Body?.transformToString()).toBe('second');
    for (let round = 0; round < 2; round++) expect(await codeOf(client.send(await upload(client, 'b')))).toBe('done');
    await proxy.close();
  });

  // When this fails, miniflare has learned it, and the gate may go.
  test('without its gate overwrites by completing an upload, and lists none', async () => {
    const bare = await startS3Server({ gate: false });
    const client = clientOf(bare);
    await client.send(put('a'));
    expect(await codeOf(client.send(await upload(client, 'a')))).toBe('done');
    expect(await codeOf(client.send(new ListMultipartUploadsCommand({ Bucket })))).toBe('NotImplemented');
    await bare.close();
  });
});
