/** The API of the environment's database, which the files under api/ export. `npm start` and Vercel say who the peer is. */
import { createApi } from './lib/http/api.ts';
import { lazyDatabase } from './lib/index.ts';

export const api = createApi(lazyDatabase(), { trustsPeer: true });
