/** An answer of server-sent events, made as fast as the client takes them. */

/** `events` gives whole events as text; it must heed the signal. */
export function eventStream(events: (ended: AbortSignal) => AsyncGenerator<string>): Response {
  const ended = new AbortController();
  const source = events(ended.signal);
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await source.next();
        if (ended.signal.aborted) return;
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: () => ended.abort(),
    },
    { highWaterMark: 0 },
  );
  return new Response(stream, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
}
