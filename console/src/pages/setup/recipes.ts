/** What to set for each place where the database can live. docs/backends.md says more. */

export interface Variable {
  readonly name: string;
  readonly example: string;
  readonly why: string;
  readonly isOptional?: boolean;
}

export interface Recipe {
  readonly backend: string;
  readonly steps: readonly string[];
  readonly variables: readonly Variable[];
}

export const recipes: readonly Recipe[] = [
  {
    backend: 'blob',
    steps: [
      'In the project on Vercel: Storage, Create Database, Blob, with private access; connect it to the project.',
      'Deploy again. The connection sets the token.',
    ],
    variables: [
      {
        name: 'BLOB_READ_WRITE_TOKEN',
        example: 'vercel_blob_rw_…',
        why: 'Vercel sets it when the store is connected.',
      },
      { name: 'BLOB_NAME', example: 'school.db', why: 'Another name for the file.', isOptional: true },
    ],
  },
  {
    backend: 's3',
    steps: [
      'Make a private bucket, and a key that may get, put, delete and list in it.',
      'Set these, and start or deploy again. R2, MinIO and Tigris work with their S3_ENDPOINT.',
    ],
    variables: [
      { name: 'S3_BUCKET', example: 'my-bucket', why: 'The bucket.' },
      { name: 'AWS_REGION', example: 'eu-west-1', why: "The bucket's region; auto on R2." },
      { name: 'AWS_ACCESS_KEY_ID', example: 'AKIA…', why: 'The key; or AWS_ROLE_ARN with a role that trusts Vercel.' },
      { name: 'AWS_SECRET_ACCESS_KEY', example: '…', why: "The key's secret." },
      {
        name: 'S3_ENDPOINT',
        example: 'https://<account>.r2.cloudflarestorage.com',
        why: 'Only for stores other than AWS.',
        isOptional: true,
      },
    ],
  },
  {
    backend: 'gcs',
    steps: [
      'Make a bucket, and a service account with the role Storage Object User on it; make a key for the account, as JSON.',
      'Set these, and start or deploy again.',
    ],
    variables: [
      { name: 'GCS_BUCKET', example: 'my-bucket', why: 'The bucket.' },
      {
        name: 'GOOGLE_APPLICATION_CREDENTIALS',
        example: '"$(base64 -w0 key.json)"',
        why: 'The JSON itself, that in base64, or a path.',
      },
    ],
  },
  {
    backend: 'postgres',
    steps: [
      'On Vercel: Storage, Create Database, Neon or another PostgreSQL; connect it. Elsewhere any PostgreSQL from 13 on, in which the user may make tables.',
      'Start or deploy again: the tables are made on first use.',
    ],
    variables: [
      {
        name: 'DATABASE_URL',
        example: 'postgres://user:password@host:5432/database?sslmode=verify-full',
        why: 'How it is reached.',
      },
    ],
  },
  {
    backend: 'volume',
    steps: ['Mount a volume into the project, and name the folder where it is.'],
    variables: [
      { name: 'VERCEL_VOLUME_PATH', example: '/mnt/volume', why: 'An absolute path; the folder has to be there.' },
    ],
  },
  {
    backend: 'network',
    steps: ['Mount the drive so that the folder is absent while the drive is, and name it.'],
    variables: [
      { name: 'NETWORK_DB_PATH', example: '/mnt/drive', why: 'An absolute path; the folder has to be there.' },
    ],
  },
  {
    backend: 'local',
    steps: [
      'Nothing to set: without anything else, the database is a file on this machine. On Vercel it does not persist across deployments.',
    ],
    variables: [
      {
        name: 'LOCAL_DB_PATH',
        example: 'data/student_courses.db',
        why: 'Another place for the file.',
        isOptional: true,
      },
    ],
  },
];

export const tokens: readonly Variable[] = [
  {
    name: 'ADMIN_TOKEN',
    example: '$(openssl rand -hex 32)',
    why: 'Everything. Without any token, a deployment on Vercel is closed.',
  },
  { name: 'API_TOKEN', example: '$(openssl rand -hex 32)', why: 'Tables and SQL on rows.' },
  { name: 'CRON_SECRET', example: '$(openssl rand -hex 32)', why: "Vercel's daily call of /api/db-sync." },
  { name: 'PUBLIC_READ', example: 'true', why: 'Whoever has the address may read tables.', isOptional: true },
];

export function linesOf(variables: readonly Variable[]): string {
  return variables
    .map(({ name, example, isOptional }) => `${isOptional === true ? '# ' : ''}${name}=${example}`)
    .join('\n');
}
