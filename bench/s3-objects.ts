/** Objects of a bucket, by the SDK, as one reads and writes them without Eider. */
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

export interface Objects {
  put(key: string, body: Uint8Array): Promise<void>;
  /** @throws when there is one */
  create(key: string, body: Uint8Array): Promise<void>;
  /** Null when there is none. */
  get(key: string): Promise<Uint8Array | null>;
  has(key: string): Promise<boolean>;
  /** Bytes of the objects whose keys begin so, of a thousand at most. */
  sizes(prefix: string): Promise<number[]>;
}

export function s3Objects(environment: Readonly<Record<string, string | undefined>>): Objects {
  const client = new S3Client({
    region: 'auto',
    endpoint: environment['S3_ENDPOINT']!,
    forcePathStyle: true,
    // The SDK would wait six seconds for what this S3 server does not say.
    expectContinueHeader: false,
    credentials: {
      accessKeyId: environment['AWS_ACCESS_KEY_ID']!,
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY']!,
    },
  });
  const Bucket = environment['S3_BUCKET']!;
  return {
    put: async (Key, Body) => void (await client.send(new PutObjectCommand({ Bucket, Key, Body }))),
    create: async (Key, Body) =>
      void (await client.send(new PutObjectCommand({ Bucket, Key, Body, IfNoneMatch: '*' }))),
    async get(Key) {
      try {
        return await (await client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToByteArray();
      } catch (error) {
        if (error instanceof NoSuchKey) return null;
        throw error;
      }
    },
    async has(Key) {
      const found = client.send(new HeadObjectCommand({ Bucket, Key }));
      return found.then(
        () => true,
        (error: { readonly $metadata?: { readonly httpStatusCode?: number } }) => {
          if (error.$metadata?.httpStatusCode === 404) return false;
          throw error;
        },
      );
    },
    async sizes(Prefix) {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix }));
      return Contents.map(({ Size = 0 }) => Size);
    },
  };
}
