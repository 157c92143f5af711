/**
 * `node bench/move.ts [rows] [seconds]`: how long `npm run db -- move` takes from DuckDB to PostgreSQL and back, and its peak
 * memory. With seconds, each move is killed after so long once, and goes on where it was.
 * Not part of `npm run bench`: it starts a PostgreSQL server and takes minutes.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemRuntime as runtime } from '../lib/runtime.ts';
import { migrations } from '../test/support/migrations.ts';
import { openMigratedEngine } from '../lib/db/duckdb/duckdb-database.ts';
import { createDirectoryStore } from '../lib/store/directory.ts';
import { startPostgres } from '../test/support/servers/postgres.ts';

const rows = Number(process.argv[2] ?? 1_000_000);
const killAfterMs = Number(process.argv[3] ?? 0) * 1000;
const program = fileURLToPath(new URL('../scripts/db.ts', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'eider-bench-move-'));
const server = await startPostgres();

try {
  for (const name of ['drive', 'volume', 'tmp']) await mkdir(join(folder, name));
  await makeSource(join(folder, 'drive'));
  const environment = {
    PATH: process.env['PATH'] ?? '',
    TMPDIR: join(folder, 'tmp'),
    NETWORK_DB_PATH: join(folder, 'drive'),
    VERCEL_VOLUME_PATH: join(folder, 'volume'),
    LOCAL_DB_PATH: join(folder, 'local'),
    DATABASE_URL: await server.createDatabase(),
  };
  for (const [from, to] of [
    ['network', 'postgres'],
    ['postgres', 'volume'],
    ['network', 'local'],
  ] as const) {
    if (killAfterMs > 0) {
      const { code } = await move(environment, from, to, killAfterMs);
      console.log(`${from} to ${to}: ${code === null ? 'killed half-way' : 'ended before it was killed'}`);
    }
    const { seconds, peakMegabytes, code } = await move(environment, from, to);
    const rate = Math.round(rows / seconds);
    console.log(
      `${from} to ${to}: exit code ${code}, ${seconds.toFixed(1)} s, ${rate} rows/s, peak ${peakMegabytes} MB`,
    );
  }
} finally {
  await server.close();
  await rm(folder, { recursive: true, force: true });
}

async function makeSource(root: string): Promise<void> {
  const store = createDirectoryStore({ root, create: false, runtime });
  const slotRoot = join(folder, 'slots');
  const engine = await openMigratedEngine({ store, name: 'student_courses.db', slotRoot, runtime, migrations });
  await engine.writeBulk((session) =>
    session.execute(`INSERT INTO students SELECT uuid(), 'Student number ' || i, i || '@example.com',
      TIMESTAMPTZ '2026-11-24 01:02:03.456789+00' + to_seconds(i), TIMESTAMPTZ '2026-11-24 01:02:03.456789+00'
      FROM range(${rows}) t(i)`),
  );
  await engine.close();
}

interface Figures {
  readonly seconds: number;
  readonly peakMegabytes: number;
  readonly code: number | null;
}

function move(environment: Record<string, string>, from: string, to: string, killAfter = 0): Promise<Figures> {
  const began = performance.now();
  const child = spawn(process.execPath, [program, 'move', '--from', from, '--to', to], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const killing = killAfter > 0 ? setTimeout(() => child.kill('SIGKILL'), killAfter) : undefined;
  let peakKilobytes = 0;
  const watch = setInterval(() => {
    peakKilobytes = Math.max(peakKilobytes, peakOf(child.pid ?? 0));
  }, 100);
  return new Promise((resolve) => {
    child.once('close', (code) => {
      clearInterval(watch);
      clearTimeout(killing);
      const seconds = (performance.now() - began) / 1000;
      resolve({ seconds, peakMegabytes: Math.round(peakKilobytes / 1024), code });
    });
  });
}

/** The most memory that a process had, in kB; 0 when it has ended. */
function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
