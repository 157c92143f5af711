import { endpoints } from '../lib/http/serve.ts';

export async function POST(request: Request): Promise<Response> {
  return endpoints.sql(request);
}

async function refuse(request: Request): Promise<Response> {
  return endpoints.refuse(request, 'POST');
}

export { refuse as DELETE, refuse as GET, refuse as HEAD, refuse as OPTIONS, refuse as PATCH, refuse as PUT };
