import { endpoints } from '../lib/http/serve.ts';

/** Vercel's cron sends GET. */
export async function GET(request: Request): Promise<Response> {
  return endpoints.cronSync(request);
}

export async function POST(request: Request): Promise<Response> {
  return endpoints.sync(request);
}

async function refuse(request: Request): Promise<Response> {
  return endpoints.refuse(request, 'GET, POST');
}

export { refuse as DELETE, refuse as HEAD, refuse as OPTIONS, refuse as PATCH, refuse as PUT };
