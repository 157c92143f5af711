/** The API of the environment's database: what the files under api/ export. `npm start` and Vercel say who the peer is. */
import { lazyDatabase } from '../index.ts';
import { createApi } from './api.ts';

export const api = createApi(lazyDatabase(), { trustsPeer: true });
