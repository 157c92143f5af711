import type { NextConfig } from 'next';

const config: NextConfig = {
  // DuckDB is a native library: it stays in node_modules.
  serverExternalPackages: ['eider'],
  // On Vercel, what is read when the app runs has to be taken along.
  outputFileTracingIncludes: { '/**': ['./migrations/**'] },
};

export default config;
