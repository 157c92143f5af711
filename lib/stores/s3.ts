import { chooseStore, type StoreChoice } from '../config/given.ts';

export interface S3Options {
  readonly bucket: string;
  /** Default: AWS_REGION. */
  readonly region?: string;
  /** Of an S3-compatible store such as R2 or MinIO. Default: S3_ENDPOINT; null: AWS itself. */
  readonly endpoint?: string | null;
  /** Default: true with an endpoint. */
  readonly forcePathStyle?: boolean;
  /** Default: the environment's, or what the AWS SDK finds on the machine. */
  readonly credentials?: S3Keys | { readonly roleArn: string };
}

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * S3, or a store that speaks its protocol and honours `If-None-Match`. The SDK is loaded when the database is opened.
 *
 * @example openDatabase({ store: s3({ bucket: 'my-data' }), name: 'books.db' })
 * @throws AppError `invalid`
 */
export function s3({ bucket, region, endpoint, forcePathStyle, credentials }: S3Options): StoreChoice {
  return chooseStore('s3', {
    S3_BUCKET: bucket,
    S3_KEY: null,
    AWS_REGION: region,
    S3_ENDPOINT: endpoint,
    S3_FORCE_PATH_STYLE: forcePathStyle === undefined ? undefined : String(forcePathStyle),
    ...(credentials && variablesOf(credentials)),
  });
}

function variablesOf(credentials: NonNullable<S3Options['credentials']>) {
  const none = { AWS_ROLE_ARN: null, AWS_ACCESS_KEY_ID: null, AWS_SECRET_ACCESS_KEY: null, AWS_SESSION_TOKEN: null };
  if ('roleArn' in credentials) return { ...none, AWS_ROLE_ARN: credentials.roleArn };
  const { accessKeyId, secretAccessKey, sessionToken = null } = credentials;
  return {
    ...none,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  };
}
