import { endpoints } from '../lib/http/serve.ts';

export async function GET(request: Request): Promise<Response> {
  return endpoints.catalog(request);
}

async function refuse(request: Request): Promise<Response> {
  return endpoints.refuse(request, 'GET, HEAD');
}

export { GET as HEAD, refuse as DELETE, refuse as OPTIONS, refuse as PATCH, refuse as POST, refuse as PUT };
