import { endpoints } from '../../lib/http/serve.ts';

export async function GET(request: Request): Promise<Response> {
  return endpoints.readOne(request);
}

export async function PUT(request: Request): Promise<Response> {
  return endpoints.replace(request);
}

export async function PATCH(request: Request): Promise<Response> {
  return endpoints.update(request);
}

export async function DELETE(request: Request): Promise<Response> {
  return endpoints.remove(request);
}

async function refuse(request: Request): Promise<Response> {
  return endpoints.refuse(request, 'GET, HEAD, PUT, PATCH, DELETE');
}

export { GET as HEAD, refuse as OPTIONS, refuse as POST };
