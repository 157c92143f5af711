/** CRC32C as Google writes it, by a table of our own: the SDK is what the server tests. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

export function crc32c(bytes: Uint8Array): string {
  let state = 0xffffffff;
  for (const byte of bytes) state = (table[(state ^ byte) & 0xff] ?? 0) ^ (state >>> 8);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE((state ^ 0xffffffff) >>> 0);
  return sum.toString('base64');
}
