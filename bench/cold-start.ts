/** Cold starts in a folder and on each cloud, near and far. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cloudNames, startBackend, type Variables } from './backends.ts';
import { databaseName } from './databases.ts';
import type { Bench, BenchContext, Figure } from './harness.ts';
import { askOnce } from './http-client.ts';
import { compileWorker, timeStarts } from './starts.ts';
import { createStudent } from './subjects.ts';

const folderSizesMb = { quick: [1], default: [1, 100], full: [1, 100, 1000] };
const cloudTitles = { s3: 'S3', gcs: 'Google Cloud Storage', blob: 'Vercel Blob' } as const;

export const coldStart: Bench = {
  name: 'cold-start',
  title: 'Cold start',
  about: `A new process, from before it begins until it has its first answer: the bundle that is deployed, asked for one row by its
key, with nothing in its temporary folder. Against it, in turns: in a folder, a process that loads DuckDB, answers a query, and
reads as many bytes; on a cloud, one that downloads the published file with the cloud's SDK, loads DuckDB, and asks it for the
same row. The bare processes have neither a log to look for, nor an API.`,
  async run(context) {
    const worker = await compileWorker(join(context.folder, 'built'));
    const figures: Figure[] = [];
    for (const megabytes of folderSizesMb[context.extent])
      figures.push(await measureFolder(context, worker, megabytes));
    for (const cloud of cloudNames) {
      const backend = await startBackend(cloud);
      try {
        const student = await prepare(context, backend.addresses.near);
        for (const [distance, variables] of Object.entries(backend.addresses)) {
          const name = `${cloudTitles[cloud]}${distance === 'near' ? '' : ', 20 ms away each way'}`;
          figures.push(await measure(context, { name, variables, worker, student, atMost: 1.15 }));
        }
      } finally {
        await backend.close();
      }
    }
    return { figures, tables: [], plots: [] };
  },
};

async function measureFolder(context: BenchContext, worker: string, megabytes: number): Promise<Figure> {
  const root = join(context.folder, `drive-${megabytes}`);
  await mkdir(root);
  await context.samples.place(megabytes, join(root, databaseName));
  const variables = { NETWORK_DB_PATH: root };
  const student = await prepare(context, variables);
  return measure(context, { name: `a folder, ${megabytes} MB`, variables, worker, student, atMost: 1.3 });
}

/** A database with one row, folded into the snapshot that every start begins from. */
async function prepare({ servers }: BenchContext, variables: Variables): Promise<string> {
  const server = await servers.eider(variables);
  const student = await createStudent(server.url);
  await askOnce(server.url, { method: 'POST', path: '/api/db-sync' });
  await server.stop();
  return student;
}

interface Case {
  readonly name: string;
  readonly variables: Variables;
  readonly worker: string;
  readonly student: string;
  readonly atMost: number;
}

async function measure({ say, extent, folder }: BenchContext, { name, atMost, ...start }: Case): Promise<Figure> {
  say(name);
  const rounds = extent === 'quick' ? { rounds: 3, warmUp: 1 } : { rounds: 11, warmUp: 2 };
  const ms = await timeStarts(rounds, { ...start, slots: join(folder, 'slots') });
  return {
    name: `cold start, ${name} / bare process`,
    value: ms.function / ms.bare,
    unit: 'x',
    target: { atMost },
    parts: { 'Eider ms': ms.function, 'bare ms': ms.bare },
    bound:
      'Of what a start in a folder takes beyond the bare process, a third is Node, which compiles Eider’s modules and its own of Request and Response (Vercel keeps compiled code from one start to the next, here nothing is kept); a third is DuckDB, which makes its lists of columns and of macros when they are first asked for; the rest is listing the snapshots, looking for the end of the log, checking what was read against its hash, and a transaction that a replica begins with. The bare process does none of it.',
  };
}
