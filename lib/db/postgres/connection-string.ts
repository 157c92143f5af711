/**
 * DATABASE_URL with the meanings that libpq gives its parameters:
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS. Drivers never get the text: pg reads
 * `sslmode=require` otherwise, and parsers quote their input.
 */
import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import { AppError } from '../../errors.ts';
import { errnoOf } from '../../store/errno.ts';

/**
 * - `disable`: no TLS. `prefer`: TLS if the server offers it; any certificate.
 * - `require`: TLS; any certificate. `verify-ca`: its certificate must come from the authority.
 * - `verify-full`: and be for its host name.
 */
type TlsMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

interface TlsSettings {
  readonly mode: TlsMode;
  /** PEM files by their paths, or their text where there are no files. */
  readonly authority: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  readonly passphrase: string | null;
  readonly directNegotiation: boolean;
}

export interface ConnectionSettings {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string | null;
  readonly password: string | null;
  readonly database: string | null;
  readonly tls: TlsSettings;
  /** Password only over a channel that is bound to the server's certificate. */
  readonly channelBinding: 'prefer' | 'require' | 'disable';
  readonly applicationName: string;
  /** Settings for the start of a session, as in `-c search_path=school`. */
  readonly options: string | null;
  readonly connectTimeoutMs: number | null;
  readonly maxConnections: number | null;
}

export function locationOf({ host, port, database, user }: ConnectionSettings): string {
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return `postgres://${shownHost}:${port}/${database ?? user ?? ''}`;
}

/** @throws AppError `invalid`, never with a part of the text. */
export function readConnectionString(text: string): ConnectionSettings {
  const url = URL.parse(text);
  if (!url) throw wrong('is not a URL');
  requireEncoded(url);
  const parameters = readParameters(url);
  const { host = decode(url.hostname).replace(/^\[(.*)\]$/, '$1'), dbname = decode(url.pathname.slice(1)) } =
    parameters;
  const { user = decode(url.username), password = decode(url.password), port = url.port } = parameters;
  return {
    host,
    port: port === '' ? 5432 : wholeNumber('port', port),
    user: user || null,
    password: password || null,
    database: dbname || null,
    tls: readTls(parameters, host),
    channelBinding: oneOf(parameters, 'channel_binding', ['prefer', 'require', 'disable'] as const) ?? 'prefer',
    applicationName: parameters['application_name'] ?? parameters['fallback_application_name'] ?? 'eider',
    options: parameters['options'] ?? null,
    connectTimeoutMs: optionalNumber(parameters, 'connect_timeout', 1000),
    maxConnections: optionalNumber(parameters, 'connection_limit', 1),
  };
}

/** Else the rest of a password with such a character would be read as a path or a parameter, and be shown. */
function requireEncoded(url: URL): void {
  const names = [...url.searchParams.keys()].join('');
  if (url.hash === '' && !url.pathname.includes('@') && !names.includes('@')) return;
  throw wrong('has a "#", "/", "?" or "@" in its password that is not percent-encoded: write %23, %2F, %3F, %40');
}

type UrlParameters = Readonly<Record<string, string | undefined>>;

function readParameters(url: URL): UrlParameters {
  return Object.assign(Object.create(null) as object, Object.fromEntries(url.searchParams)) as UrlParameters;
}

/** What changes how safe a connection is, and is not known here. */
const refusedParameters = [
  'sslcrl',
  'sslcrldir',
  'ssl_min_protocol_version',
  'ssl_max_protocol_version',
  'sslcertmode',
];

function readTls(parameters: UrlParameters, host: string): TlsSettings {
  const refused = refusedParameters.find((name) => parameters[name]);
  if (refused !== undefined) throw wrong(`has the parameter ${refused}, which is not supported`);
  const rootCertificate = parameters['sslrootcert'];
  const authority = rootCertificate === 'system' ? null : rootCertificate || null;
  const mode = host.startsWith('/') ? 'disable' : readMode(parameters, authority);
  if (mode === 'verify-ca' && authority === null)
    throw wrong('has sslmode=verify-ca without sslrootcert: name the authority, or use verify-full');
  return {
    mode,
    authority,
    certificate: parameters['sslcert'] || null,
    key: parameters['sslkey'] || null,
    passphrase: parameters['sslpassword'] ?? null,
    directNegotiation: oneOf(parameters, 'sslnegotiation', ['postgres', 'direct'] as const) === 'direct',
  };
}

const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'] as const;

/** As libpq: without a mode `prefer`; `require` with an authority is `verify-ca`; the system's authorities want names. */
function readMode(parameters: UrlParameters, authority: string | null): TlsMode {
  const given = oneOf(parameters, 'sslmode', modes) ?? modeOfSsl(parameters);
  if (parameters['sslrootcert'] === 'system') return given === 'disable' ? 'disable' : 'verify-full';
  if (given === 'allow' || given === null) return 'prefer';
  if (given === 'no-verify') return 'require';
  return given === 'require' && authority !== null ? 'verify-ca' : given;
}

/** pg's own `ssl=true` and its like, as hosts hand them out. */
function modeOfSsl(parameters: UrlParameters): (typeof modes)[number] | null {
  const ssl = oneOf(parameters, 'ssl', ['true', '1', 'false', '0', 'no-verify'] as const);
  if (ssl === null || ssl === 'no-verify') return ssl;
  return ssl === 'true' || ssl === '1' ? 'verify-full' : 'disable';
}

function oneOf<W extends string>(parameters: UrlParameters, name: string, words: readonly W[]): W | null {
  const given = parameters[name];
  if (given === undefined || given === '') return null;
  const word = words.find((candidate) => candidate === given);
  if (word === undefined) throw wrong(`has an unknown ${name}; it can be ${words.join(', ')}`);
  return word;
}

function optionalNumber(parameters: UrlParameters, name: string, factor: number): number | null {
  const given = parameters[name];
  const value = given === undefined ? 0 : wholeNumber(name, given);
  return value === 0 ? null : value * factor;
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw wrong(`has a ${name} that is no number`);
  return Number(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong('has a "%" that begins no percent-encoded character; write it as %25');
  }
}

function wrong(problem: string): AppError {
  return new AppError('invalid', `DATABASE_URL ${problem}.`);
}

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

/** The text itself or a path; the cause of a failure would quote what may be a key that is written in another way. */
async function readPem(parameter: string, source: string | null): Promise<string | null> {
  const text = source === null ? null : pemOf(source);
  if (source === null || text !== null) return text;
  try {
    return await readFile(source, 'utf8');
  } catch (error) {
    const code = errnoOf(error);
    throw new AppError('invalid', `The file that ${parameter} in DATABASE_URL names cannot be read.`, {
      ...(code === undefined ? {} : { cause: new Error(code) }),
      hint: 'Deploy the file with the functions, or set the PEM text itself, percent-encoded or in base64.',
    });
  }
}

/** Also with lines that end in `\\n`, and in base64, as hosts of variables make of it. */
function pemOf(source: string): string | null {
  const text = source.trimStart().replaceAll('\\n', '\n');
  if (text.startsWith('-----BEGIN')) return text;
  const decoded = /^[A-Za-z0-9+/=\s]+$/.test(source) ? Buffer.from(source, 'base64').toString('latin1') : '';
  return decoded.startsWith('-----BEGIN') ? decoded : null;
}
