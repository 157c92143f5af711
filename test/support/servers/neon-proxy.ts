/**
 * What stands before Neon's servers: a WebSocket whose binary messages are the bytes of a connection to PostgreSQL.
 * Neon's driver is pointed at it for the whole process. https://www.rfc-editor.org/rfc/rfc6455
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { neonConfig } from '@neondatabase/serverless';
import type { PostgresServer } from './postgres.ts';

export interface NeonProxy {
  /** The URL of a database as Neon's driver is given it: it never looks the host up. */
  through(url: string): string;
  /** Host and port, for Neon's driver in other processes. */
  readonly address: string;
  close(): Promise<void>;
}

/** Neon asks for the password as it is, within TLS; the driver sends it before it is asked. */
const user = 'plain';
const host = 'ep-test-123456.eu-central-1.aws.neon.tech';

/** `port`: another than the server's, of a proxy before it. */
export async function startNeonProxy(server: PostgresServer, port = server.port): Promise<NeonProxy> {
  await server.run(`CREATE ROLE ${user} SUPERUSER LOGIN PASSWORD '${server.password}'`);
  const open = new Set<Duplex>();
  const http = createServer((_, response) => void response.writeHead(426).end());
  http.on('upgrade', (request, socket) => {
    if (!request.url?.startsWith(`/v2?address=${host}:`)) {
      socket.destroy();
      return;
    }
    open.add(socket.once('close', () => open.delete(socket)));
    accept(socket, String(request.headers['sec-websocket-key']));
    carry(socket, connect(port, server.host));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  neonConfig.wsProxy = (name, asked) => `127.0.0.1:${address.port}/v2?address=${name}:${asked}`;
  neonConfig.useSecureWebSocket = false;
  return {
    through: (url) => Object.assign(new URL(url), { hostname: host, port: '', username: user }).href,
    address: `127.0.0.1:${address.port}`,
    async close() {
      for (const socket of open) socket.destroy();
      http.close();
      await once(http, 'close');
    },
  };
}

function accept(socket: Duplex, key: string): void {
  const answer = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${answer}\r\n\r\n`,
  );
}

const opcodes = { continuation: 0, binary: 2, close: 8, ping: 9, pong: 10 } as const;

function carry(client: Duplex, server: Socket): void {
  let unread = Buffer.alloc(0);
  client.on('data', (bytes: Buffer) => {
    unread = Buffer.concat([unread, bytes]);
    for (let frame = readFrame(unread); frame; frame = readFrame(unread)) {
      unread = unread.subarray(frame.size);
      if (frame.opcode === opcodes.binary || frame.opcode === opcodes.continuation) server.write(frame.payload);
      if (frame.opcode === opcodes.ping) client.write(frameOf(opcodes.pong, frame.payload));
      if (frame.opcode === opcodes.close) {
        client.end(frameOf(opcodes.close, frame.payload));
        server.end();
      }
    }
  });
  server.on('data', (bytes) => client.write(frameOf(opcodes.binary, bytes)));
  server.on('end', () => client.end(frameOf(opcodes.close, Buffer.from([0x03, 0xe8]))));
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.on('error', () => undefined);
    one.once('close', () => other.destroy());
  }
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  /** Bytes of the whole frame. */
  readonly size: number;
}

/** A client's frame, which is masked; null when not all of it is there yet. */
function readFrame(bytes: Buffer): Frame | null {
  if (bytes.length < 2) return null;
  const short = bytes[1]! & 0x7f;
  const at = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < at + 4) return null;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const size = at + 4 + length;
  if (bytes.length < size) return null;
  const mask = bytes.subarray(at, at + 4);
  const payload = Buffer.from(bytes.subarray(at + 4, size).map((byte, index) => byte ^ mask[index % 4]!));
  return { opcode: bytes[0]! & 0x0f, payload, size };
}

function frameOf(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}
