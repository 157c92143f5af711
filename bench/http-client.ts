/**
 * Clients that ask again as soon as they are answered. Each has one connection that it keeps, and knows only as much HTTP as
 * it needs: what the clients take of the machine's time is missing for the servers.
 */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

export interface Asked {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly json?: unknown;
}

export interface Answered {
  readonly status: number;
  readonly text: string;
}

/** Who asks Eider; the servers written by hand do not look at it. */
export const token = 'bench-token-of-some-length';

export class Client {
  readonly #url: URL;
  #socket: Socket | null = null;
  #received = '';
  #waiting: { resolve: (answered: Answered) => void; reject: (error: Error) => void } | null = null;

  private constructor(url: string) {
    this.#url = new URL(url);
  }

  static async connect(url: string): Promise<Client> {
    const client = new Client(url);
    await client.#connect();
    return client;
  }

  /** One at a time. */
  async ask({ method, path, json }: Asked): Promise<Answered> {
    const body = json === undefined ? '' : JSON.stringify(json);
    const type = body === '' ? '' : 'content-type: application/json\r\n';
    const content = method === 'GET' ? '' : `${type}content-length: ${Buffer.byteLength(body)}\r\n`;
    // The server has ended a connection that idled.
    const socket = this.#socket?.writable === true ? this.#socket : await this.#connect();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      socket.write(
        `${method} ${path} HTTP/1.1\r\nhost: ${this.#url.host}\r\nauthorization: Bearer ${token}\r\n${content}\r\n${body}`,
      );
    });
  }

  async #connect(): Promise<Socket> {
    const socket = connect(Number(this.#url.port), this.#url.hostname);
    await once(socket, 'connect');
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', (error) => this.#waiting?.reject(error));
    socket.on('close', () =>
      this.#waiting?.reject(new Error(`${this.#url.host} closed the connection before its answer.`)),
    );
    this.#socket = socket;
    return socket;
  }

  close(): void {
    this.#socket?.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    const answered = parseAnswer(this.#received);
    if (answered === null) return;
    const waiting = this.#waiting;
    this.#received = '';
    this.#waiting = null;
    waiting?.resolve(answered);
  }
}

/** Null while it is not complete. The text has a character for each byte. */
export function parseAnswer(received: string): Answered | null {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const head = received.slice(0, headEnd).toLowerCase();
  const status = Number(head.slice(9, 12));
  const body = received.slice(headEnd + 4);
  const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1];
  if (length !== undefined) return body.length < Number(length) ? null : { status, text: decode(body) };
  if (!head.includes('\r\ntransfer-encoding: chunked')) return { status, text: '' };
  return body.endsWith('0\r\n\r\n') ? { status, text: decode(joinChunks(body)) } : null;
}

function joinChunks(body: string): string {
  let joined = '';
  for (let at = 0; ;) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, lineEnd), 16);
    if (!(size > 0)) return joined;
    joined += body.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 4 + size;
  }
}

const decode = (bytes: string): string => Buffer.from(bytes, 'latin1').toString();

/** Asks once, over a connection of its own. @throws Error when the answer is none of success */
export async function askOnce(url: string, asked: Asked): Promise<string> {
  const client = await Client.connect(url);
  try {
    const { status, text } = await client.ask(asked);
    if (status >= 300) throw new Error(`${asked.method} ${asked.path} was answered ${status}: ${text}`);
    return text;
  } finally {
    client.close();
  }
}

/** What clients saw of one server for a while. */
export interface Load {
  /** Of those that were answered. */
  readonly ms: number[];
  readonly seconds: number;
  /** Answers that told clients to come back later. */
  readonly refused: number;
}

/** Each client asks one after the other for `forMs`. @throws Error when an answer is another one than success or 503 */
export async function runClients(
  clients: readonly Client[],
  forMs: number,
  ask: (client: Client) => Promise<Answered>,
): Promise<Load> {
  const ms: number[] = [];
  let refused = 0;
  const began = performance.now();
  const run = async (client: Client): Promise<void> => {
    for (let now = performance.now(); now - began < forMs;) {
      const { status, text } = await ask(client);
      if (status >= 300 && status !== 503) throw new Error(`A request was answered ${status}: ${text}`);
      const then = performance.now();
      if (status === 503) refused++;
      else ms.push(then - now);
      now = then;
    }
  };
  await Promise.all(clients.map(run));
  return { ms, seconds: (performance.now() - began) / 1000, refused };
}
