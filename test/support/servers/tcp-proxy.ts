/** A proxy on loopback before a TCP server: it can fall silent, cut, and look at what clients send. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * What becomes of a piece that a client sent. `drop-connection`: it never arrives. `answer-lost`: it arrives, and the
 * connection is cut when the server answers. `swallow`: it never arrives, the client is cut off, and the server is not told.
 */
type Fate = 'pass' | 'drop-connection' | 'answer-lost' | 'swallow';

export interface TcpProxy {
  readonly port: number;
  /** Decides for each piece that a client sends. */
  decide: (piece: Buffer) => Fate;
  /** Nothing passes any more, either way; connections stay open, and new ones are accepted. */
  hold(): void;
  /** Passes again what comes from now on. */
  release(): void;
  /** Ends all connections. */
  cut(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const state = { held: false };
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    if (state.held) socket.pause();
    return socket;
  };
  const listening = createServer((client) => {
    track(client);
    const server = track(connect(target.port, target.host));
    let loseAnswer = false;
    client.on('data', (piece) => {
      const fate = proxy.decide(piece);
      if (fate === 'drop-connection') return cutBoth(client, server);
      if (fate === 'swallow') {
        client.removeAllListeners('close').resetAndDestroy();
        return;
      }
      loseAnswer ||= fate === 'answer-lost';
      server.write(piece);
    });
    server.on('data', (piece) => (loseAnswer ? cutBoth(client, server) : client.write(piece)));
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  const proxy: TcpProxy = {
    port: address.port,
    decide: () => 'pass',
    hold() {
      state.held = true;
      for (const socket of sockets) socket.pause();
    },
    release() {
      state.held = false;
      for (const socket of sockets) socket.resume();
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      listening.close();
      await once(listening, 'close');
    },
  };
  return proxy;
}

function cutBoth(client: Socket, server: Socket): void {
  // The other end is told as the network tells it: by a reset.
  client.resetAndDestroy();
  server.resetAndDestroy();
}
