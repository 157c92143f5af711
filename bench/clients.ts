/** Writes and reads by key of one warm instance, by clients at one time, near its backend and 20 ms away each way. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Backend, databaseOn, type Distance, startBackend } from './backends.ts';
import type { Bench, BenchContext, Extent, Figure, Table } from './harness.ts';
import type { Plot } from './plot.ts';
import type { Server } from './servers.ts';
import { loadAll, type Measured, type Operation, operations, type Subject, subjectOf } from './subjects.ts';

const titles = {
  s3: 'Eider, DuckDB on S3',
  folder: 'Eider, DuckDB in a folder',
  postgres: 'Eider on PostgreSQL',
  pg: 'by hand, pg',
  before: 'by hand, DuckDB, file to S3 before the answer',
  background: 'by hand, DuckDB, file to S3 in the background',
  sqlite: 'by hand, SQLite, file to S3 before the answer',
} as const;
type Name = keyof typeof titles;
const allNames = Object.keys(titles) as Name[];
const farNames: readonly Name[] = ['s3', 'postgres', 'pg', 'before', 'sqlite'];

/** By clients at one time. */
type Points = ReadonlyMap<number, Record<Operation, Record<Name, Measured>>>;

const counts: Readonly<Record<Extent, readonly number[]>> = {
  quick: [1, 64],
  default: [1, 8, 64, 256],
  full: [1, 4, 16, 64, 128, 256],
};
const farCounts = [1, 64];

export const clients: Bench = {
  name: 'clients',
  title: 'Clients',
  about: `One warm instance of each server, and clients that ask again as soon as they are answered: \`POST /api/students\`
with one row, and \`GET /api/students/<id>\`. The servers take turns under each load. Eider's reads on S3 may be a second old
(\`DB_MAX_STALENESS_MS=1000\`). The servers by hand that keep their data in a file lose writes as soon as there are two of
them ([instances](#instances)), and the one that uploads in the background loses them with its process, too. CPU counts the main
thread, where all JavaScript of a process runs.`,
  async run(context) {
    const [s3, postgres] = await Promise.all([startBackend('s3'), startBackend('postgres')]);
    try {
      const near = await measure(context, { s3, postgres, distance: 'near' });
      const far = await measure(context, { s3, postgres, distance: 'far' });
      return {
        figures: [...nearFigures(near), ...farFigures(far)],
        tables: [...tablesOf(near, allNames, 'near'), ...tablesOf(far, farNames, 'backend 20 ms away each way')],
        plots: operations.map((operation) => plotOf(near, operation)),
      };
    } finally {
      await Promise.all([s3.close(), postgres.close()]);
    }
  },
};

interface Place {
  readonly s3: Backend;
  readonly postgres: Backend;
  readonly distance: Distance;
}

async function measure(context: BenchContext, place: Place): Promise<Points> {
  const isQuick = context.extent === 'quick';
  const names = place.distance === 'near' ? allNames : farNames;
  const subjects = {} as Record<Name, Subject>;
  for (const name of names) {
    context.say(`${place.distance}: starting ${titles[name]}`);
    subjects[name] = await subjectOf(await start(context, place, name));
  }
  const points = new Map<number, Record<Operation, Record<Name, Measured>>>();
  for (const clientCount of place.distance === 'near' ? counts[context.extent] : farCounts) {
    context.say(`${place.distance}: ${clientCount} clients`);
    const of = (operation: Operation) =>
      loadAll(subjects, {
        operation,
        clients: clientCount,
        rounds: isQuick ? 1 : 3,
        forMs: isQuick ? 300 : 400,
      });
    points.set(clientCount, { write: await of('write'), read: await of('read') });
  }
  for (const { server } of Object.values(subjects)) await server.stop();
  return points;
}

async function start({ servers, folder }: BenchContext, place: Place, name: Name): Promise<Server> {
  const s3 = place.s3.addresses[place.distance];
  const byHand = { ...s3, FILE_KEY: `by-hand/${place.distance}-${name}.db` };
  const starts: Readonly<Record<Name, () => Promise<Server>>> = {
    s3: () => servers.eider({ ...s3, S3_KEY: `eider/${place.distance}.db`, DB_MAX_STALENESS_MS: '1000' }),
    async folder() {
      await mkdir(join(folder, 'drive'));
      return servers.eider({ NETWORK_DB_PATH: join(folder, 'drive') });
    },
    postgres: async () => servers.eider(await databaseOn(place.postgres, `eider_${place.distance}`, place.distance)),
    pg: async () =>
      servers.byHand(['pg', 'none'], await databaseOn(place.postgres, `hand_${place.distance}`, place.distance)),
    before: () => servers.byHand(['duckdb', 'before'], byHand),
    background: () => servers.byHand(['duckdb', 'background'], byHand),
    sqlite: () => servers.byHand(['sqlite', 'before'], byHand),
  };
  return starts[name]();
}

const cpuBound =
  'With many clients the processor is the limit: a request of Eider passes through access, validation by the catalog and the form of its answer, which the ten lines by hand do not have.';
const roundTripBound =
  'Both make one round trip, of a third of a millisecond on loopback; what Eider does before and after it takes as long. Where the server is 20 ms away, nothing of it shows.';

function nearFigures(points: Points): Figure[] {
  const one = points.get(1)!;
  const many = points.get(64)!;
  return [
    ...operations.map((operation) =>
      latencyRatio(`${operation}, 1 client, on PostgreSQL / pg by hand`, one[operation], 1.4, roundTripBound),
    ),
    ...operations.map((operation) => rateRatio(many[operation], operation, 's3', 0.6)),
    ...operations.map((operation) => slowestRatio(many[operation], operation)),
    ...operations.map((operation) => rateRatio(many[operation], operation, 'postgres', 0.7)),
    ...operations.map((operation) => ownTime(many[operation], operation)),
  ];
}

function farFigures(points: Points): Figure[] {
  const one = points.get(1)!;
  return operations.map((operation) =>
    latencyRatio(
      `${operation}, 1 client, on PostgreSQL / pg by hand, 20 ms away each way`,
      one[operation],
      1.05,
      'Each further round trip would add 40 ms.',
    ),
  );
}

function latencyRatio(name: string, { postgres, pg }: Record<Name, Measured>, atMost: number, bound: string): Figure {
  const parts = { 'Eider ms': postgres.ms.half, 'pg by hand ms': pg.ms.half };
  return { name, value: postgres.ms.half / pg.ms.half, unit: 'x', target: { atMost }, parts, bound };
}

function rateRatio(measured: Record<Name, Measured>, operation: Operation, name: 's3' | 'postgres', atLeast: number) {
  const [ours, pg] = [measured[name].perSecond, measured.pg.perSecond];
  const figure: Figure = {
    name: `${operation}s a second, 64 clients, ${titles[name]} / pg by hand`,
    value: ours / pg,
    unit: 'x',
    target: { atLeast },
    parts: { 'Eider /s': ours, 'pg by hand /s': pg },
    bound: cpuBound,
  };
  return figure;
}

function slowestRatio({ s3, pg }: Record<Name, Measured>, operation: Operation): Figure {
  return {
    name: `${operation}, 64 clients, 99 % within, ${titles.s3} / pg by hand`,
    value: s3.ms.p99 / pg.ms.p99,
    unit: 'x',
    target: { atMost: 3 },
    parts: { 'Eider ms': s3.ms.p99, 'pg by hand ms': pg.ms.p99 },
    bound:
      'A request that just misses a commit, or a proof that the replica is fresh, waits for that one and for the next.',
  };
}

function ownTime({ s3, before }: Record<Name, Measured>, operation: Operation): Figure {
  return {
    name: `CPU of a ${operation} outside the database, 64 clients`,
    value: s3.cpuMs,
    unit: 'ms',
    target: { atMost: 0.25 },
    parts: { 'Eider ms': s3.cpuMs, 'by hand, DuckDB ms': before.cpuMs },
    bound: `All that the thread of JavaScript does is counted, what it does for DuckDB's driver included. ${cpuBound}`,
  };
}

function tablesOf(points: Points, names: readonly Name[], where: string): Table[] {
  const sizes = [...points.keys()];
  return operations.map((operation) => ({
    title: `${operation}s, ${where}`,
    columns: [
      'server',
      ...sizes.map((size) => `${size} client${size === 1 ? '' : 's'}, /s`),
      'median ms, 1 client',
      'median ms, 64',
      '99 % within ms, 64',
      'CPU ms, 64',
    ],
    rows: names.map((name) => {
      const [one, many] = [points.get(1)![operation][name], points.get(64)![operation][name]];
      const rates = sizes.map((size) => points.get(size)![operation][name].perSecond);
      return [titles[name], ...rates, one.ms.half, many.ms.half, many.ms.p99, many.cpuMs];
    }),
  }));
}

function plotOf(points: Points, operation: Operation): Plot {
  return {
    id: `clients-${operation}s`,
    title: `${operation === 'write' ? 'Writes' : 'Reads by key'} a second, by clients`,
    x: { label: 'clients at one time', isLog: true },
    y: { label: `${operation}s a second`, isLog: true },
    lines: allNames.map((name) => ({
      name: titles[name],
      isDashed: titles[name].startsWith('by hand'),
      points: [...points].map(([size, measured]) => [size, measured[operation][name].perSecond] as const),
    })),
  };
}
