/** Server-sent events from `fetch`: `EventSource` would send no token. */

export interface ServerEvent {
  readonly event: string;
  readonly id: string | null;
  readonly data: string;
}

/** Until the answer ends. https://html.spec.whatwg.org/multipage/server-sent-events.html */
export async function* readEvents({ body }: Response): AsyncGenerator<ServerEvent> {
  if (body === null) return;
  let text = '';
  // Not by `for await`, which Safari does not have for streams.
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    text += chunk.value;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parseBlock(block);
      if (event !== null) yield event;
    }
  }
}

/** Null for a comment. */
function parseBlock(block: string): ServerEvent | null {
  const fields = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line));
  const all = (name: string): string[] => fields.flatMap((field) => (field?.[1] === name ? [field[2] ?? ''] : []));
  const data = all('data').join('\n');
  const id = all('id').at(-1) ?? null;
  return data === '' && id === null ? null : { event: all('event').at(-1) ?? 'message', id, data };
}
