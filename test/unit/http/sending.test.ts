import { describe, expect, it } from 'vitest';
import { whenSent } from '../../../lib/http/sending.ts';
import { testRuntime } from '../../support/runtime.ts';

interface Source {
  pull(controller: ReadableStreamDefaultController<Uint8Array>): void | Promise<void>;
  cancel?(): void;
}

function start(source?: Source) {
  const runtime = testRuntime();
  const seen = { ended: 0 };
  const body = source ? new ReadableStream<Uint8Array>(source, { highWaterMark: 0 }) : null;
  const given = new Response(body, { status: 202, headers: { a: 'b' } });
  const response = whenSent(given, { runtime, onEnd: () => (seen.ended += 1) });
  return { runtime, seen, response };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Two chunks, and whether it was cancelled. */
function twoChunks() {
  const source = { left: 2, cancelled: false };
  return {
    source,
    pull(controller: ReadableStreamDefaultController<Uint8Array>) {
      controller.enqueue(bytes('x'));
      if ((source.left -= 1) === 0) controller.close();
    },
    cancel: () => void (source.cancelled = true),
  };
}

describe('an answer', () => {
  it('without a body has been sent', () => {
    const { seen, response } = start();
    expect([seen.ended, response.status]).toEqual([1, 202]);
  });

  it('is sent when it was read to its end, and is the same', async () => {
    const { seen, response } = start(twoChunks());
    expect([seen.ended, response.status, response.headers.get('a')]).toEqual([0, 202, 'b']);
    expect(await response.text()).toBe('xx');
    expect(seen.ended).toBe(1);
  });

  it('is over when nobody wants the rest', async () => {
    const { source, ...chunks } = twoChunks();
    const { seen, response } = start(chunks);
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    expect([seen.ended, source.cancelled]).toEqual([1, true]);
  });

  it('is over when its source fails', async () => {
    const { seen, response } = start({ pull: () => Promise.reject(new Error('broken')) });
    await expect(response.text()).rejects.toThrow('broken');
    expect(seen.ended).toBe(1);
  });

  it('is given up when nobody takes anything for a minute, at its beginning or in the middle', async () => {
    for (const taken of [0, 1]) {
      const { source, ...chunks } = twoChunks();
      const { seen, response, runtime } = start(chunks);
      const reader = response.body!.getReader();
      for (let read = 0; read < taken; read += 1) await reader.read();
      runtime.advance(59_999);
      await turn();
      expect(seen.ended).toBe(0);
      runtime.advance(1);
      await turn();
      expect([seen.ended, source.cancelled]).toEqual([1, true]);
      await expect(reader.read()).rejects.toThrow(/stopped reading/);
    }
  });

  it('is waited for while its source is slow', async () => {
    let resolve = (): void => undefined;
    const { seen, response, runtime } = start({
      async pull(controller) {
        await new Promise<void>((done) => (resolve = done));
        controller.close();
      },
    });
    const text = response.text();
    await turn();
    runtime.advance(600_000);
    await turn();
    expect(seen.ended).toBe(0);
    resolve();
    expect([await text, seen.ended]).toEqual(['', 1]);
  });
});
