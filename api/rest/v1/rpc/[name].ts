import { endpoints } from '../../../../lib/http/serve.ts';

export async function GET(request: Request): Promise<Response> {
  return endpoints.restCall(request);
}

export async function POST(request: Request): Promise<Response> {
  return endpoints.restCall(request);
}

async function refuse(request: Request): Promise<Response> {
  return endpoints.refuse(request, 'GET, HEAD, POST');
}

export { GET as HEAD, refuse as DELETE, refuse as OPTIONS, refuse as PATCH, refuse as PUT };
