/** Many clients that do everything at one time on one warm instance: nothing goes wrong, and its memory stays within bounds. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench, BenchContext, Figure } from './harness.ts';
import { quantile } from './harness.ts';
import { type Answered, askOnce, type Client, runClients } from './http-client.ts';
import { askFor, type Subject, subjectOf, withClients } from './subjects.ts';

const clientCount = 256;
/** A function's of 2 GB, Vercel's default; `mostMb` leaves it a good part. */
const memoryMb = 2048;
const mostMb = 1536;
const query = {
  query: 'SELECT left(name, 9) AS name, count(*) AS n FROM students GROUP BY ALL ORDER BY n DESC LIMIT 10',
};

const kinds = ['row by its key', 'list of 20 rows', 'write', 'query over all rows'] as const;
type Kind = (typeof kinds)[number];
/** Of ten requests. */
const turns: readonly Kind[] = [0, 0, 0, 0, 1, 1, 2, 2, 2, 3].map((index) => kinds[index]!);

export const mixed: Bench = {
  name: 'mixed',
  title: 'Everything at once, and memory',
  about: `${clientCount} clients on one warm instance, DuckDB in a folder, a function of ${memoryMb / 1024} GB: of ten requests four ask for a row, two
for a list, three write, one runs SQL over all rows. Memory is that of the process and of the processes in which queries run.`,
  async run(context) {
    const drive = join(context.folder, 'drive');
    await mkdir(drive);
    const server = await context.servers.eider({
      NETWORK_DB_PATH: drive,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    });
    const subject = await subjectOf(server);
    const course = await run(context, subject);
    const rows = await countRows(server.url);
    await server.stop();
    return { figures: figuresOf(course, rows), tables: [tableOf(course)], plots: [] };
  },
};

interface Course {
  readonly ms: Record<Kind, number[]>;
  readonly seconds: number;
  readonly refused: number;
  readonly wrong: number;
  /** Rows that have to be there. */
  readonly acknowledged: number;
  readonly memoryMb: readonly number[];
}

async function run({ say, extent }: BenchContext, { server, ids }: Subject): Promise<Course> {
  say(`${clientCount} clients`);
  const ms = Object.fromEntries(kinds.map((kind) => [kind, [] as number[]])) as Record<Kind, number[]>;
  const before = await countRows(server.url);
  let [wrong, written, turn] = [0, 0, 0];
  const memory = [server.memoryMb()];
  const watch = setInterval(() => memory.push(server.memoryMb()), 250);
  const askNext = async (client: Client): Promise<Answered> => {
    const kind = turns[turn++ % turns.length]!;
    const began = performance.now();
    const answered = await ask(kind, client, ids);
    if (answered.status < 300) ms[kind].push(performance.now() - began);
    if (answered.status === 201) written++;
    if (answered.status < 300 || answered.status === 503) return answered;
    say(`${kind} was answered ${answered.status}: ${answered.text}`);
    wrong++;
    return { ...answered, status: 503 };
  };
  const load = await withClients(server.url, clientCount, (clients) =>
    runClients(clients, extent === 'quick' ? 3000 : 15_000, askNext),
  );
  clearInterval(watch);
  return {
    ms,
    seconds: load.seconds,
    refused: load.refused - wrong,
    wrong,
    acknowledged: before + written,
    memoryMb: memory,
  };
}

function ask(kind: Kind, client: Client, ids: readonly string[]): Promise<Answered> {
  if (kind === 'row by its key') return askFor('read', client, ids);
  if (kind === 'write') return askFor('write', client, ids);
  if (kind === 'query over all rows') return client.ask({ method: 'POST', path: '/api/sql', json: query });
  return client.ask({ method: 'GET', path: '/api/students?order=created_at.desc&limit=20' });
}

async function countRows(url: string): Promise<number> {
  const text = await askOnce(url, { method: 'GET', path: '/api/students?limit=1&select=id&count=exact' });
  return (JSON.parse(text) as { count: number }).count;
}

function figuresOf(course: Course, rows: number): Figure[] {
  return [
    {
      name: `${clientCount} clients, answers that are errors`,
      value: course.wrong,
      unit: 'answers',
      target: { atMost: 0 },
      parts: { 'told to come back later': course.refused },
      bound: 'Such an answer is a defect: please report it.',
    },
    {
      name: `${clientCount} clients, rows lost or doubled`,
      value: Math.abs(rows - course.acknowledged),
      unit: 'rows',
      target: { atMost: 0 },
      parts: { 'acknowledged rows': course.acknowledged },
      bound: 'A lost write is a defect: please report it.',
    },
    memoryFigure(course.memoryMb),
  ];
}

/** Beside the most that of the first quarter and of the last: it has to level off. */
function memoryFigure(memory: readonly number[]): Figure {
  const quarter = Math.ceil(memory.length / 4);
  return {
    name: `${clientCount} clients, most memory of a warm instance`,
    value: Math.max(...memory),
    unit: 'MB',
    target: { atMost: mostMb },
    parts: {
      'before MB': memory[0]!,
      'most of the first quarter MB': Math.max(...memory.slice(0, quarter)),
      'most of the last quarter MB': Math.max(...memory.slice(-quarter)),
    },
    bound:
      'DuckDB may use a part of the function’s memory that is set when it opens; the rest is Node’s and that of queries.',
  };
}

function tableOf({ ms, seconds, refused }: Course) {
  return {
    title: `${clientCount} clients for ${Math.round(seconds)} s; ${refused} answers told them to come back later`,
    columns: ['', '/s', 'median ms', '99 % within ms'],
    rows: kinds.map((kind) => {
      const of = ms[kind].length === 0 ? null : ms[kind];
      return [kind, ms[kind].length / seconds, of && quantile(of, 0.5), of && quantile(of, 0.99)];
    }),
  };
}
