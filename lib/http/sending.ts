/** Knowing when the body of an answer has been sent, or never will be. */
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';

const maxPauseMs = 60_000;

export interface SendingOptions {
  readonly runtime: Runtime;
  /** Called once, when the body was read to its end, was cancelled, or failed. */
  readonly onEnd: () => void;
}

/** The same answer; without a body, `onEnd` is called at once. */
export function whenSent(response: Response, options: SendingOptions): Response {
  if (response.body) return new Response(watched(response.body, options), response);
  options.onEnd();
  return response;
}

function watched(body: ReadableStream<Uint8Array>, { runtime, onEnd }: SendingOptions): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let awaited = new AbortController();
  const end = (): void => {
    awaited.abort();
    onEnd();
  };
  const giveUp = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    const reason = new AppError('unavailable', 'The client stopped reading the answer.');
    controller.error(reason);
    end();
    await reader.cancel(reason);
  };
  const watch = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    awaited = new AbortController();
    // The pause is meant to be aborted; a source that fails while it is cancelled can be ignored.
    runtime
      .sleep(maxPauseMs, awaited.signal)
      .then(() => giveUp(controller))
      .catch(() => undefined);
  };
  return new ReadableStream<Uint8Array>(
    {
      start: watch,
      async pull(controller) {
        awaited.abort();
        try {
          const { done, value } = await reader.read();
          if (done) {
            controller.close();
            end();
          } else {
            controller.enqueue(value);
            watch(controller);
          }
        } catch (error) {
          end();
          throw error;
        }
      },
      async cancel(reason) {
        end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
