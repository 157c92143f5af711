import { api } from '../../eider.ts';

export const { GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS } = api.functions['/api/[table]/[id]'];
