import { endpoints } from '../lib/http/serve.ts';

export async function POST(request: Request): Promise<Response> {
  return endpoints.import(request);
}

export async function PUT(request: Request): Promise<Response> {
  return endpoints.importPart(request);
}

export async function DELETE(request: Request): Promise<Response> {
  return endpoints.importGivenUp(request);
}

async function refuse(request: Request): Promise<Response> {
  return endpoints.refuse(request, 'POST, PUT, DELETE');
}

export { refuse as GET, refuse as HEAD, refuse as OPTIONS, refuse as PATCH };
