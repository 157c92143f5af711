/**
 * Certificates for servers in tests, made when they are needed: X.509 in DER by hand, since Node only reads them.
 * https://www.rfc-editor.org/rfc/rfc5280#section-4.1
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

export interface Certificates {
  readonly authority: string;
  /** An authority that signed none of these. */
  readonly otherAuthority: string;
  /** For `localhost` and 127.0.0.1. */
  readonly server: CertifiedKey;
  /** For the user that it was made for. */
  readonly client: CertifiedKey;
}

/** PEM texts of a fresh authority and what it signed. */
export function makeCertificates(user: string): Certificates {
  const authority = makeAuthority('Test authority');
  const names = [der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))];
  const alternativeNames = sequence(oid('2.5.29.17'), octets(sequence(...names)));
  return {
    authority: pem('CERTIFICATE', authority.certificate),
    otherAuthority: pem('CERTIFICATE', makeAuthority('Another authority').certificate),
    server: certify(authority, 'localhost', [alternativeNames]),
    client: certify(authority, user, []),
  };
}

interface Authority {
  readonly name: string;
  readonly key: KeyObject;
  readonly certificate: Buffer;
}

function makeAuthority(name: string): Authority {
  const { publicKey, privateKey: key } = makeKeys();
  const isAuthority = sequence(
    oid('2.5.29.19'),
    der(0x01, Buffer.from([0xff])),
    octets(sequence(der(0x01, Buffer.from([0xff])))),
  );
  return { name, key, certificate: signCertificate({ name, key }, name, publicKey, [isAuthority]) };
}

function certify(authority: Authority, name: string, extensions: readonly Buffer[]): CertifiedKey {
  const { publicKey, privateKey } = makeKeys();
  return {
    certificate: pem('CERTIFICATE', signCertificate(authority, name, publicKey, extensions)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const makeKeys = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

function signCertificate(
  issuer: Pick<Authority, 'name' | 'key'>,
  subject: string,
  publicKey: KeyObject,
  extensions: readonly Buffer[],
): Buffer {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
  const day = 24 * 3600 * 1000;
  const [from, until] = [new Date(Date.now() - day), new Date(Date.now() + 30 * day)];
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    distinguishedName(issuer.name),
    sequence(time(from), time(until)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : []),
  );
  return sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, issuer.key)])));
}

/** Tag, length, content. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, Buffer.concat(parts));
const octets = (content: Buffer): Buffer => der(0x04, content);

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = rest.flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return der(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(commonName)))));
}

/** `YYMMDDHHMMSSZ` */
function time(date: Date): Buffer {
  return der(
    0x17,
    Buffer.from(
      date
        .toISOString()
        .replaceAll(/[-:T]|\.\d+/g, '')
        .slice(2),
    ),
  );
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
