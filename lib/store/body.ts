/** Bodies as chunks, and exactly as long as they say. */
import { AppError } from '../errors.ts';
import type { Body } from './store.ts';

/** The whole body in chunks, none empty. Throws `invalid` when a stream gives fewer or more bytes than its size. */
export async function* bodyChunks(body: Body): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) {
    if (body.byteLength > 0) yield body;
    return;
  }
  let seen = 0;
  for await (const chunk of body.open({ start: 0, end: body.size })) {
    seen += chunk.byteLength;
    if (seen > body.size) break;
    if (chunk.byteLength > 0) yield chunk;
  }
  if (seen === body.size) return;
  throw new AppError(
    'invalid',
    `The body has ${seen > body.size ? 'more' : 'fewer'} bytes than the ${body.size} that it promised.`,
  );
}
