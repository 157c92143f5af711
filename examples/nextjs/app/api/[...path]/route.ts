import { createApi } from 'eider/http';
import { db } from '../../../lib/db';

export const { GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS } = createApi(db);
