import { endpoints } from '../../../lib/http/serve.ts';

export async function GET(request: Request): Promise<Response> {
  return endpoints.restRead(request);
}

export async function POST(request: Request): Promise<Response> {
  return endpoints.restCreate(request);
}

export async function PATCH(request: Request): Promise<Response> {
  return endpoints.restUpdate(request);
}

export async function PUT(request: Request): Promise<Response> {
  return endpoints.restPut(request);
}

export async function DELETE(request: Request): Promise<Response> {
  return endpoints.restDelete(request);
}

async function refuse(request: Request): Promise<Response> {
  return endpoints.refuse(request, 'GET, HEAD, POST, PATCH, PUT, DELETE');
}

export { GET as HEAD, refuse as OPTIONS };
