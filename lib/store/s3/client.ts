import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/** `role`: through Vercel's OIDC token. `default`: what the SDK finds on the machine (profile, container, instance). */
export type S3Credentials =
  | {
      readonly kind: 'keys';
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken: string | null;
    }
  | { readonly kind: 'role'; readonly roleArn: string }
  | { readonly kind: 'default' };

export interface S3Timeouts {
  readonly connectMs?: number;
  /** From the first byte sent to the first received, so it bounds the upload of a part. Default 60,000. */
  readonly answerMs?: number;
  /** Without a byte in either direction; this also ends a stream that is not read. Default 15,000. */
  readonly idleMs?: number;
  /** Both of the last two for a request that the store works on in silence, such as a copy. Default 8 × `idleMs`. */
  readonly slowMs?: number;
}

export interface S3ClientOptions {
  readonly region: string;
  readonly endpoint: string | null;
  readonly forcePathStyle: boolean;
  readonly credentials: S3Credentials;
  readonly timeouts?: S3Timeouts;
}

export function createS3Clients(options: S3ClientOptions): (isSlow: boolean) => S3Client {
  const { slowMs, ...timeouts } = { idleMs: 15_000, ...options.timeouts };
  const slow = slowMs ?? 8 * timeouts.idleMs;
  let usual: S3Client | null = null;
  let patient: S3Client | null = null;
  return (isSlow) =>
    isSlow
      ? (patient ??= createS3Client({ ...options, timeouts: { ...timeouts, answerMs: slow, idleMs: slow } }))
      : (usual ??= createS3Client({ ...options, timeouts }));
}

function createS3Client(options: S3ClientOptions): S3Client {
  const { region, endpoint, forcePathStyle, credentials } = options;
  const provided = credentialsOf(credentials, region);
  return new S3Client({
    region,
    forcePathStyle,
    ...(endpoint === null ? { ignoreConfiguredEndpointUrls: true } : { endpoint }),
    ...(provided === undefined ? {} : { credentials: provided }),
    ...fixed,
    requestHandler: transport(options.timeouts),
  });
}

const fixed = {
  maxAttempts: 3,
  retryMode: 'standard',
  defaultsMode: 'standard',
  useFipsEndpoint: false,
  useDualstackEndpoint: false,
  useArnRegion: false,
  followRegionRedirects: false,
  // Other stores do not know AWS's newer checksums. Bodies are safe without: their SHA-256 is part of the signature.
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  // Else every body of 2 MiB or more takes a connection of its own, and waits where the store does not know it.
  expectContinueHeader: false,
} satisfies S3ClientConfig;

/** https://docs.aws.amazon.com/AWSJavaScriptSDK/v3/latest/Package/-smithy-node-http-handler/ */
function transport({ connectMs = 3000, answerMs = 60_000, idleMs = 15_000 }: S3Timeouts = {}) {
  return {
    connectionTimeout: connectMs,
    requestTimeout: answerMs,
    throwOnRequestTimeout: true,
    socketTimeout: idleMs,
    // A connection that is kept is one that need not be made: 3 round trips with TLS.
    httpsAgent: { keepAlive: true, maxSockets: 64 },
    httpAgent: { keepAlive: true, maxSockets: 64 },
  };
}

function credentialsOf(credentials: S3Credentials, region: string): S3ClientConfig['credentials'] {
  switch (credentials.kind) {
    case 'default':
      return undefined;
    case 'role':
      return roleProvider(credentials.roleArn, region);
    case 'keys': {
      const { accessKeyId, secretAccessKey, sessionToken } = credentials;
      return { accessKeyId, secretAccessKey, ...(sessionToken === null ? {} : { sessionToken }) };
    }
  }
}

/** https://vercel.com/docs/oidc/aws. The package brings a client of STS: it is only imported when a role is used. */
function roleProvider(roleArn: string, region: string): S3ClientConfig['credentials'] {
  return async () => {
    const { awsCredentialsProvider } = await import('@vercel/oidc-aws-credentials-provider');
    return awsCredentialsProvider({ roleArn, clientConfig: { region } })();
  };
}

export function secretsOf(credentials: S3Credentials): readonly string[] {
  if (credentials.kind !== 'keys') return [];
  return [credentials.secretAccessKey, credentials.sessionToken].filter((secret) => secret !== null);
}
