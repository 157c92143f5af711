/**
 * What databases are kept in, in a process of its own, so that it does not share the measured processes' time:
 * `node backend-worker.ts <s3, gcs, blob or postgres>`. Prints, as JSON in one line, what a user sets to reach it, near and 20 ms
 * away each way; ends when its standard input does.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { startBlobServer } from '../test/support/servers/blob.ts';
import { GcsServer } from '../test/support/servers/gcs.ts';
import { startPostgres } from '../test/support/servers/postgres.ts';
import { startS3Server } from '../test/support/servers/s3.ts';
import { type Addresses, farMs, postgresSettings } from './backends.ts';

const starts: Readonly<Record<string, () => Promise<Addresses>>> = { s3, gcs, blob, postgres };
const close: (() => Promise<void>)[] = [];
const addresses = await starts[process.argv[2]!]!();
process.stdout.write(`${JSON.stringify(addresses)}\n`);
process.stdin.resume().once('end', () => {
  void Promise.all(close.map((each) => each())).then(() => process.exit(0));
});

async function s3(): Promise<Addresses> {
  // The gate is for what no bench does, and would take the time of what is measured.
  const server = await startS3Server({ gate: false });
  close.push(() => server.close());
  const environment = {
    S3_BUCKET: server.bucket,
    S3_ENDPOINT: server.endpoint,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  };
  return { near: environment, far: { ...environment, S3_ENDPOINT: await fartherUrl(server.endpoint) } };
}

async function gcs(): Promise<Addresses> {
  const server = await GcsServer.start({ asksForTokens: false });
  const environment = { GCS_BUCKET: server.makeBucket().name, GCS_ENDPOINT: server.url };
  return { near: environment, far: { ...environment, GCS_ENDPOINT: await fartherUrl(server.url) } };
}

async function blob(): Promise<Addresses> {
  const server = await startBlobServer();
  const environment = { BLOB_READ_WRITE_TOKEN: server.addStore().token, EIDER_TEST_BLOB_SERVER: server.url };
  return { near: environment, far: { ...environment, EIDER_TEST_BLOB_SERVER: await fartherUrl(server.url) } };
}

async function postgres(): Promise<Addresses> {
  const server = await startPostgres({ settings: postgresSettings });
  close.push(() => server.close());
  const near = await server.createDatabase();
  return { near: { DATABASE_URL: near }, far: { DATABASE_URL: await fartherUrl(near) } };
}

/** The same address behind a proxy of ours. Slashes at its end are not the caller's. */
async function fartherUrl(address: string): Promise<string> {
  const url = new URL(address);
  const target = { port: Number(url.port), host: url.hostname };
  const proxy = createServer((client) => {
    const server = connect(target);
    later(client, server);
    later(server, client);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  url.port = String((proxy.address() as AddressInfo).port);
  return address.endsWith('/') ? url.href : url.href.replace(/\/$/, '');
}

/** What one end says the other hears later, in the same order. */
function later(from: Socket, to: Socket): void {
  from.setNoDelay(true);
  from.on('data', (piece) => setTimeout(() => to.write(piece), farMs));
  from.once('close', () => setTimeout(() => to.destroy(), farMs));
  from.on('error', () => undefined);
}
