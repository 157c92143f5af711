/** Environments for the tests of lib/config. */

const pem = '-----BEGIN PRIVATE KEY-----\nMIIEfake\n-----END PRIVATE KEY-----\n';

export const serviceAccount = {
  type: 'service_account',
  project_id: 'project',
  client_email: 'eider@project.iam.gserviceaccount.com',
  private_key: pem,
};

/** Every variable set to something valid; nothing forced, and not on Vercel. */
export const completeEnvironment = {
  DATABASE_URL: 'postgres://user:password@localhost:5432/database',
  NETWORK_DB_PATH: '/mnt/data',
  VERCEL_VOLUME_PATH: '/volume/school.duckdb',
  BLOB_READ_WRITE_TOKEN: 'vercel_blob_rw_Store1_secretSECRET',
  BLOB_STORE_ID: 'store_Store1',
  BLOB_ACCESS: 'private',
  BLOB_NAME: 'blob.db',
  S3_BUCKET: 'bucket',
  S3_KEY: 'folder/s3.db',
  S3_ENDPOINT: 'https://s3.example.com',
  S3_FORCE_PATH_STYLE: 'true',
  AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'aws/secret',
  AWS_SESSION_TOKEN: 'aws+session',
  AWS_REGION: 'eu-west-1',
  AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/eider',
  GCS_BUCKET: 'bucket',
  GCS_KEY: 'folder/gcs.db',
  GCS_ENDPOINT: 'http://127.0.0.1:4443',
  STORAGE_EMULATOR_HOST: '127.0.0.1:4443',
  GOOGLE_APPLICATION_CREDENTIALS: JSON.stringify(serviceAccount),
  LOCAL_DB_PATH: 'data/local.db',
  DB_MAX_STALENESS_MS: '250',
  DB_FALLBACK_WRITES: 'accept',
  DB_PREVIEW: 'shared',
  ADMIN_TOKEN: 'admin-token-of-some-length',
  API_TOKEN: 'api-token-of-some-length',
  PUBLIC_READ: 'false',
  CRON_SECRET: 'cron-secret-of-some-length',
  CORS_ORIGINS: 'https://app.example.com, http://localhost:5173',
  LOG_REQUESTS: 'true',
} as const;
