/** JSON objects that carry the hash of their own text, so that damage is detected. */
import { createHash } from 'node:crypto';

const checksumTail = /,"checksum":"([0-9a-f]{64})"\}$/;
const checksumTailLength = ',"checksum":""}'.length + 64;

/** The value, an object with at least one member, as the bytes of its object. */
export function seal(value: object): Uint8Array {
  const text = JSON.stringify(value);
  return Buffer.from(`${text.slice(0, -1)},"checksum":"${sha256Hex(text)}"}`);
}

/** The sealed value; undefined when the bytes are damaged. */
export function unseal(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const match = checksumTail.exec(text.slice(-checksumTailLength));
  const body = `${text.slice(0, -checksumTailLength)}}`;
  return match && sha256Hex(body) === match[1] ? JSON.parse(body) : undefined;
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
