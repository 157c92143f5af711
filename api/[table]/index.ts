import { endpoints } from '../../lib/http/serve.ts';

export async function GET(request: Request): Promise<Response> {
  return endpoints.list(request);
}

export async function POST(request: Request): Promise<Response> {
  return endpoints.create(request);
}

export async function PATCH(request: Request): Promise<Response> {
  return endpoints.updateMatching(request);
}

export async function DELETE(request: Request): Promise<Response> {
  return endpoints.removeMatching(request);
}

async function refuse(request: Request): Promise<Response> {
  return endpoints.refuse(request, 'GET, HEAD, POST, PATCH, DELETE');
}

export { GET as HEAD, refuse as OPTIONS, refuse as PUT };
