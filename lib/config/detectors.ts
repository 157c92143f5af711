import { basename, dirname, extname, isAbsolute, normalize } from 'node:path/posix';
import type { GcsCredentials } from '../store/gcs/authorization.ts';
import type { S3Credentials } from '../store/s3/client.ts';
import { type BlobSettings, defaultDatabaseName, type DirectorySettings } from './backends.ts';
import * as checks from './checks.ts';
import { checkGoogleCredentials, isSegment } from './checks.ts';
import {
  type VariableCheck,
  type Detection,
  type Environment,
  notConfigured,
  settle,
  type VariableName,
  VariableReader,
} from './variables.ts';

export function detectPostgres(environment: Environment): Detection {
  const reader = new VariableReader(environment);
  if (!reader.isSet('DATABASE_URL')) return notConfigured('DATABASE_URL is not set');
  const connection = reader.read('DATABASE_URL', checks.checkPostgresUrl);
  return settle(reader, 'DATABASE_URL is set', () => connection && { backend: 'postgres', ...connection });
}

export function detectBlob(environment: Environment): Detection {
  const reader = new VariableReader(environment);
  const tokenName = findBlobToken(reader);
  const asked = tokenName ?? reader.firstSet('BLOB_STORE_ID', 'BLOB_NAME', 'BLOB_ACCESS');
  if (asked === null) return notConfigured('BLOB_READ_WRITE_TOKEN is not set');
  const credentials = readBlobCredentials(reader, tokenName, asked);
  const access = reader.read('BLOB_ACCESS', checks.oneOf(['private', 'public'])) ?? 'private';
  const name = reader.read('BLOB_NAME', checks.checkDatabaseKey) ?? defaultDatabaseName;
  return settle(
    reader,
    `${tokenName ?? 'BLOB_STORE_ID'} is set`,
    () => credentials && { backend: 'blob', credentials, access, name },
  );
}

/**
 * Vercel names the token of a project's second store after a prefix that the user chooses. Several of those, and none
 * under the plain name, leave open which store is meant: https://vercel.com/docs/vercel-blob/using-blob-sdk
 */
function findBlobToken(reader: VariableReader): VariableName | null {
  if (reader.isSet('BLOB_READ_WRITE_TOKEN')) return 'BLOB_READ_WRITE_TOKEN';
  const [first, second] = reader.prefixedTokens('vercel_blob_rw_');
  if (first !== undefined && second !== undefined) {
    reader.noteWrong(first, `and ${second} are both set: put the one to use into BLOB_READ_WRITE_TOKEN`);
  }
  return first ?? null;
}

/** A token wins over OIDC: it was set by hand. */
function readBlobCredentials(
  reader: VariableReader,
  tokenName: VariableName | null,
  asked: VariableName,
): BlobSettings['credentials'] | null {
  if (tokenName === null && reader.isSet('BLOB_STORE_ID')) {
    const storeId = reader.read('BLOB_STORE_ID', checks.checkBlobStoreId);
    return storeId === null ? null : { kind: 'oidc', storeId };
  }
  const access = reader.require(tokenName ?? 'BLOB_READ_WRITE_TOKEN', checks.checkBlobToken, asked);
  return access && { kind: 'token', ...access };
}

export function detectS3(environment: Environment): Detection {
  const reader = new VariableReader(environment);
  const asked = reader.firstSet('S3_BUCKET', 'S3_KEY', 'S3_ENDPOINT', 'S3_FORCE_PATH_STYLE');
  if (asked === null) return notConfigured(reasonWithoutBucket(reader));
  const bucket = reader.require('S3_BUCKET', checks.checkBucket, asked);
  const name = reader.read('S3_KEY', checks.checkDatabaseKey) ?? defaultDatabaseName;
  const endpoint = reader.read('S3_ENDPOINT', checks.checkEndpoint);
  if (endpoint !== null && bucket !== null && new URL(endpoint).pathname === `/${bucket}`) {
    reader.noteWrong('S3_ENDPOINT', 'must not end with the name of the bucket, which S3_BUCKET gives');
  }
  const region = readRegion(reader, endpoint);
  const forcePathStyle = reader.read('S3_FORCE_PATH_STYLE', checks.checkBoolean) ?? endpoint !== null;
  const credentials = readS3Credentials(reader, asked);
  return settle(
    reader,
    reasonForS3(credentials),
    () => bucket && credentials && { backend: 's3', bucket, name, region, endpoint, forcePathStyle, credentials },
  );
}

export function detectGcs(environment: Environment): Detection {
  const reader = new VariableReader(environment);
  const asked = reader.firstSet('GCS_BUCKET', 'GCS_KEY', 'GCS_ENDPOINT');
  if (asked === null) return notConfigured('GCS_BUCKET is not set');
  const bucket = reader.require('GCS_BUCKET', checks.checkBucket, asked);
  const name = reader.read('GCS_KEY', checks.checkDatabaseKey) ?? defaultDatabaseName;
  const endpoint =
    reader.read('GCS_ENDPOINT', checks.checkEndpoint) ?? reader.read('STORAGE_EMULATOR_HOST', checks.checkEmulatorHost);
  const credentials = readGcsCredentials(reader, asked);
  return settle(
    reader,
    'GCS_BUCKET is set',
    () => bucket && credentials && { backend: 'gcs', bucket, name, endpoint, credentials },
  );
}

function reasonForS3(credentials: S3Credentials | null): string {
  if (credentials?.kind === 'default') return 'S3_BUCKET is set; the AWS SDK looks for credentials by itself';
  return `S3_BUCKET and ${credentials?.kind === 'role' ? 'AWS_ROLE_ARN' : 'AWS keys'} are set`;
}

function reasonWithoutBucket(reader: VariableReader): string {
  const asked = reader.firstSet('AWS_ROLE_ARN', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY');
  return asked === null ? 'S3_BUCKET is not set' : `${asked} is set, but it selects nothing without S3_BUCKET`;
}

/**
 * On Vercel a role wins over keys, and the SDK is never left to look by itself: the platform may have put unusable keys
 * there. Elsewhere a role may come with a token in a file, as on Kubernetes: the SDK knows what to do with it.
 * https://vercel.com/docs/environment-variables/reserved-environment-variables#allowed-environment-variables
 */
function readS3Credentials(reader: VariableReader, asked: VariableName): S3Credentials | null {
  const onVercel = reader.isSet('VERCEL');
  const hasKeys = reader.isSet('AWS_ACCESS_KEY_ID') && reader.isSet('AWS_SECRET_ACCESS_KEY');
  const hasOwnToken = reader.isSet('AWS_WEB_IDENTITY_TOKEN_FILE') && !onVercel;
  if (reader.isSet('AWS_ROLE_ARN') && !hasOwnToken && (onVercel || !hasKeys)) {
    const roleArn = reader.read('AWS_ROLE_ARN', checks.checkRoleArn);
    return roleArn === null ? null : { kind: 'role', roleArn };
  }
  if (!onVercel && !reader.firstSet('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY')) return { kind: 'default' };
  const accessKeyId = reader.require('AWS_ACCESS_KEY_ID', checks.checkCredential, asked);
  const secretAccessKey = reader.require('AWS_SECRET_ACCESS_KEY', checks.checkCredential, asked);
  if (accessKeyId === null || secretAccessKey === null) return null;
  return { kind: 'keys', accessKeyId, secretAccessKey, sessionToken: readSessionToken(reader, accessKeyId) };
}

/**
 * A session token belongs to a temporary key (`ASIA…`). A lasting key (`AKIA…`) sent with one is refused by AWS, and
 * on Vercel the token may be the platform's own. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
 */
function readSessionToken(reader: VariableReader, accessKeyId: string): string | null {
  if (accessKeyId.startsWith('ASIA')) {
    return reader.require('AWS_SESSION_TOKEN', checks.checkCredential, 'AWS_ACCESS_KEY_ID');
  }
  const lasting = accessKeyId.startsWith('AKIA') || reader.isSet('VERCEL');
  return lasting ? null : reader.read('AWS_SESSION_TOKEN', checks.checkCredential);
}

/**
 * Stores other than AWS know one region, `auto` to R2, or take any. R2 refuses the region of the function, which
 * Vercel puts into AWS_REGION: https://developers.cloudflare.com/r2/api/s3/api/#bucket-region
 */
function readRegion(reader: VariableReader, endpoint: string | null): string {
  const region = reader.read('AWS_REGION', checks.checkRegion);
  if (endpoint === null) return region ?? 'us-east-1';
  const isR2 = new URL(endpoint).hostname.endsWith('.r2.cloudflarestorage.com');
  return isR2 ? 'auto' : (region ?? 'auto');
}

function readGcsCredentials(reader: VariableReader, asked: VariableName): GcsCredentials | null {
  const hasEndpoint = reader.firstSet('GCS_ENDPOINT', 'STORAGE_EMULATOR_HOST') !== null;
  if (hasEndpoint && !reader.isSet('GOOGLE_APPLICATION_CREDENTIALS')) return { kind: 'none' };
  return reader.require('GOOGLE_APPLICATION_CREDENTIALS', checkGoogleCredentials, asked);
}

const databaseExtensions = ['.db', '.duckdb', '.ddb', '.database'];
const localPath = 'data/student_courses.db';
/** The one place that a function on Vercel may write to: https://vercel.com/docs/functions/runtimes#file-system-support */
const vercelWritable = '/tmp';
const localPathOnVercel = `${vercelWritable}/eider-local/student_courses.db`;

type PathPlace = Pick<DirectorySettings, 'directory' | 'name'>;

export function detectMount(environment: Environment, backend: 'network' | 'volume'): Detection {
  const variable = backend === 'network' ? 'NETWORK_DB_PATH' : 'VERCEL_VOLUME_PATH';
  const reader = new VariableReader(environment);
  if (!reader.isSet(variable)) return notConfigured(`${variable} is not set`);
  const place = reader.read(variable, absolutePath);
  return settle(reader, `${variable} is set`, () => place && { backend, ...place, createDirectory: false });
}

export function detectLocal(environment: Environment): Detection {
  const reader = new VariableReader(environment);
  const onVercel = reader.isSet('VERCEL');
  const place = reader.isSet('LOCAL_DB_PATH')
    ? reader.read('LOCAL_DB_PATH', onVercel ? pathInTmp : databasePath)
    : splitPath(onVercel ? localPathOnVercel : localPath);
  const reason = reader.isSet('LOCAL_DB_PATH') ? 'LOCAL_DB_PATH is set' : 'A local file needs no configuration';
  return settle(reader, reason, () => place && { backend: 'local', ...place, createDirectory: true });
}

const absolutePath: VariableCheck<PathPlace> = (text) =>
  isAbsolute(text) ? databasePath(text) : { problem: 'must be an absolute path, beginning with "/"' };

const pathInTmp: VariableCheck<PathPlace> = (text) =>
  `${normalize(text)}/`.startsWith(`${vercelWritable}/`)
    ? databasePath(text)
    : { problem: `must lie in ${vercelWritable} on Vercel, where functions can write nowhere else` };

const databasePath: VariableCheck<PathPlace> = (text) => {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) return { problem: 'must not hold line breaks or other control characters' };
  const place = splitPath(text);
  if (isSegment(place.name)) return { value: place };
  return { problem: 'must end in a file name of at most 200 letters, digits, ".", "_" and "-"' };
};

/** A last segment with a database's extension is the file; anything else, or a slash at the end, is the folder. */
function splitPath(text: string): PathPlace {
  const path = normalize(text);
  const isFile = databaseExtensions.includes(extname(path).toLowerCase()) && !path.endsWith('/');
  if (isFile) return { directory: dirname(path), name: basename(path) };
  return { directory: path.replace(/(?<=[^/])\/+$/, ''), name: defaultDatabaseName };
}
