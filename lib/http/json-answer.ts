/** Answers of JSON, whose text a server of this process may send as it is. */

const texts = new WeakMap<Response, string>();

/**
 * `Response.json` for what is sent often: Node takes longer to read a body of a few bytes from the stream of a Response than
 * to make it.
 */
export function jsonAnswer(value: unknown, init: ResponseInit = {}): Response {
  const text = JSON.stringify(value);
  const headers = new Headers(init.headers);
  headers.set('content-type', 'application/json');
  const response = new Response(text, { ...init, headers });
  texts.set(response, text);
  return response;
}

/** The text of the body, where it is known. Who sends it leaves the body unread. */
export function knownText(response: Response): string | undefined {
  return texts.get(response);
}
