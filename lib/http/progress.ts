/**
 * A long piece of work as server-sent events: `progress` while it runs, then `done` with its result or `problem` with
 * what went wrong. https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { Runtime } from '../runtime.ts';
import { eventStream } from './event-stream.ts';
import { problemResponse } from './problem.ts';

export interface ProgressOptions {
  readonly runtime: Runtime;
  /** The content of a `progress` event; called every half second. */
  readonly progress: () => Promise<unknown>;
  readonly onFailure: (error: unknown) => void;
}

const everyMs = 500;

export function acceptsEvents(request: Request): boolean {
  return (request.headers.get('accept') ?? '').toLowerCase().includes('text/event-stream');
}

/** Answers at once; `work` runs to its end even if the client disconnects. */
export function streamProgress(work: Promise<unknown>, { runtime, progress, onFailure }: ProgressOptions): Response {
  const ended = work.then(
    (result) => ({ event: 'done', data: result }),
    async (error: unknown) => {
      onFailure(error);
      return { event: 'problem', data: await problemResponse(error).json() };
    },
  );
  return eventStream(async function* () {
    for (;;) {
      const end = await Promise.race([ended, runtime.sleep(everyMs).then(() => null)]);
      const { event, data }: { event: string; data: unknown } = end ?? { event: 'progress', data: await progress() };
      yield `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
      if (end) return;
    }
  });
}
