/** The names of backends as people say them. */
const backendLabels: Readonly<Record<string, string>> = {
  postgres: 'PostgreSQL',
  network: 'Network drive',
  volume: 'Volume',
  blob: 'Vercel Blob',
  s3: 'S3',
  gcs: 'Google Cloud',
  local: 'Local file',
};

export function labelOf(backend: string): string {
  return backendLabels[backend] ?? backend;
}
