/** Sends shots over HTTP as they are, and keeps what was answered. */
import { Agent, type IncomingMessage, request } from 'node:http';
import type { Shot } from './shots.ts';

export interface Shown {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Client {
  send(shot: Shot): Promise<Shown>;
  close(): void;
}

const patienceMs = 40_000;

export function createClient(port: number, connections = 25): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const send = ({ method, path, headers, body }: Shot): Promise<Shown> =>
    new Promise((resolve, reject) => {
      const length = body === null ? {} : { 'content-length': Buffer.byteLength(body) };
      const sent = request(
        { host: '127.0.0.1', port, agent, method, path, headers: { ...headers, ...length } },
        (incoming) => {
          receive(incoming).then(resolve, reject);
        },
      );
      sent.setTimeout(patienceMs, () =>
        sent.destroy(new Error(`Nothing came of ${method} ${path} for ${patienceMs} ms.`)),
      );
      sent.on('error', reject);
      sent.end(body ?? undefined);
    });
  return { send, close: () => agent.destroy() };
}

/** Of a stream of events the first is enough: it does not end by itself. */
async function receive(incoming: IncomingMessage): Promise<Shown> {
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  const isEvents = headers['content-type']?.startsWith('text/event-stream') === true;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer);
    if (isEvents) break;
  }
  return { status: incoming.statusCode ?? 0, headers, text: Buffer.concat(chunks).toString('latin1') };
}
