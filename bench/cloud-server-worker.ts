/**
 * A cloud's test server in a process of its own, so that it does not share the measured process's time:
 * `node cloud-server-worker.ts <cloud> <latency in ms, each way> <bytes per second of a connection, 0 for no limit>`.
 * Prints how it is reached, as JSON in one line; ends when its standard input does.
 */
import { startBlobServer } from '../test/support/servers/blob.ts';
import { GcsServer } from '../test/support/servers/gcs.ts';
import { startProxy } from '../test/support/servers/proxy.ts';
import { startS3Server } from '../test/support/servers/s3.ts';
import type { CloudAddress } from './clouds.ts';

const [cloud = '', latency = '0', rate = '0'] = process.argv.slice(2);
const starts: Readonly<Record<string, () => Promise<CloudAddress>>> = { s3, gcs, blob };
const address = await starts[cloud]!();
process.stdout.write(`${JSON.stringify(address)}\n`);
process.stdin.resume().once('end', () => process.exit(0));

/** The server's own address, or that of a proxy which makes it far or narrow. */
async function reached(target: string): Promise<string> {
  const [latencyMs, bytesPerSecond] = [Number(latency), Number(rate)];
  if (latencyMs === 0 && bytesPerSecond === 0) return target;
  return (await startProxy({ target, latencyMs, ...(bytesPerSecond > 0 ? { bytesPerSecond } : {}) })).url;
}

async function s3(): Promise<CloudAddress> {
  // The gate is for what no bench does, and would take the time of what is measured.
  const server = await startS3Server({ gate: false });
  const { origin, pathname } = new URL(server.endpoint);
  return {
    environment: {
      S3_BUCKET: server.bucket,
      S3_ENDPOINT: `${await reached(origin)}${pathname}`,
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    },
  };
}

async function gcs(): Promise<CloudAddress> {
  const server = await GcsServer.start({ asksForTokens: false });
  return { environment: { GCS_BUCKET: server.makeBucket().name, GCS_ENDPOINT: await reached(server.url) } };
}

async function blob(): Promise<CloudAddress> {
  const server = await startBlobServer();
  const token = server.addStore().token;
  return { environment: { BLOB_READ_WRITE_TOKEN: token }, blobServer: await reached(server.url) };
}
