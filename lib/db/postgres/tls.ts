/**
 * TLS as the drivers take it, from the settings of the connection.
 *
 * Owns: reading certificates, and what each mode checks. The worst that can happen: a server that nobody checked gets
 * the password; so only the modes that say so go without a check.
 */
import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import { AppError } from '../../errors.ts';
import type { PemSource, TlsSettings } from './connection-string.ts';

/** False: no TLS. @throws AppError `invalid` when a certificate cannot be read */
export async function tlsOptions(tls: TlsSettings): Promise<ConnectionOptions | false> {
  if (tls.mode === 'disable') return false;
  const [ca, cert, key] = await Promise.all([
    readPem('sslrootcert', tls.authority),
    readPem('sslcert', tls.certificate),
    readPem('sslkey', tls.key),
  ]);
  return {
    rejectUnauthorized: tls.mode === 'verify-ca' || tls.mode === 'verify-full',
    ...(tls.mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    ...(tls.passphrase === null ? {} : { passphrase: tls.passphrase }),
  };
}

async function readPem(parameter: string, source: PemSource | null): Promise<string | null> {
  if (source === null) return null;
  if (source.kind === 'text') return source.pem;
  try {
    return await readFile(source.path, 'utf8');
  } catch (cause) {
    throw new AppError('invalid', `The file that ${parameter} in DATABASE_URL names cannot be read.`, {
      cause,
      hint: 'It has to be deployed with the functions. Or give the PEM text itself, percent-encoded.',
    });
  }
}
