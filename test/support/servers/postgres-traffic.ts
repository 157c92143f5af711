/** Counts what goes over the wire to a PostgreSQL server: https://www.postgresql.org/docs/current/protocol-message-formats.html */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Traffic {
  /** Statements that were run; one text may hold several. */
  statements: number;
  /** Times that something was sent while nothing was waited for. */
  roundTrips: number;
}

export interface CountedServer {
  readonly port: number;
  /** Starts at nothing again. */
  reset(): void;
  /** Once everything that was sent is answered. */
  settled(): Promise<Traffic>;
  close(): Promise<void>;
}

/** A proxy on loopback, for connections without TLS. */
export async function countTraffic(target: { readonly host: string; readonly port: number }): Promise<CountedServer> {
  const traffic: Traffic = { statements: 0, roundTrips: 0 };
  const sockets = new Set<Socket>();
  const connections = new Set<{ waiting: number }>();
  const listening = createServer((client) => {
    const server = connect(target.port, target.host);
    const connection = { waiting: 0 };
    connections.add(connection);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.setNoDelay(true).on('error', () => undefined);
    }
    const sent = new Messages(1);
    const answered = new Messages(0);
    client.on('data', (piece) => {
      for (const { type, body } of sent.read(piece)) {
        if (type !== 'Q' && type !== 'S') continue;
        if (connection.waiting++ === 0) traffic.roundTrips++;
        traffic.statements += type === 'Q' ? body.toString().split(';').length : 1;
      }
      server.write(piece);
    });
    server.on('data', (piece) => {
      for (const { type } of answered.read(piece))
        if (type === 'Z') connection.waiting = Math.max(0, connection.waiting - 1);
      client.write(piece);
    });
    client.once('close', () => {
      connections.delete(connection);
      server.destroy();
    });
    server.once('close', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  return {
    port: address.port,
    reset: () => void Object.assign(traffic, { statements: 0, roundTrips: 0 }),
    async settled() {
      while ([...connections].some(({ waiting }) => waiting > 0))
        await new Promise((resolve) => setTimeout(resolve, 5));
      return { ...traffic };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      listening.close();
      await once(listening, 'close');
    },
  };
}

/** Cuts a stream into messages. The first ones of a client have no type. */
class Messages {
  #rest = Buffer.alloc(0);
  #untyped: number;

  constructor(untyped: number) {
    this.#untyped = untyped;
  }

  *read(piece: Buffer): Generator<{ readonly type: string; readonly body: Buffer }> {
    this.#rest = Buffer.concat([this.#rest, piece]);
    for (;;) {
      const head = this.#untyped > 0 ? 0 : 1;
      if (this.#rest.length < head + 4) return;
      const end = head + this.#rest.readInt32BE(head);
      if (this.#rest.length < end) return;
      const type = head === 0 ? '' : String.fromCodePoint(this.#rest[0] ?? 0);
      const body = this.#rest.subarray(head + 4, end);
      this.#rest = this.#rest.subarray(end);
      this.#untyped = Math.max(0, this.#untyped - 1);
      yield { type, body };
    }
  }
}
