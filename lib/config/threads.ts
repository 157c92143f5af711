import { setDefault } from './process.ts';

/** As many as may read at once, the one that writes, and some for files and names. */
const threads = 24;

/**
 * Threads for DuckDB. Each of its statements holds one of Node's pool until it ends, and with the four that there are by
 * default, four long reads held up every other statement and every file. Node reads the number when the pool is first
 * used, so this comes before anything else: https://nodejs.org/docs/latest-v24.x/api/cli.html#uv_threadpool_sizesize
 */
export function provideThreads(): void {
  setDefault('UV_THREADPOOL_SIZE', String(threads));
}
