import { projectMigrations } from '../app.ts';
import { openEngine, openPostgres, slotRootOf } from '../backends.ts';
import { backendNames, type BackendName } from '../config/backends.ts';
import { type Config, readConfig } from '../config/config.ts';
import type { Environment } from '../config/variables.ts';
import type { MoveEnd } from '../db/move/report.ts';
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';

/** DuckDB writes to its spill folder what does not fit. */
const memoryLimitBytes = 512 * 1024 * 1024;
const readDeadlineMs = 24 * 3_600_000;

/** @throws AppError `invalid` when the environment does not name one of them, or both are one */
export async function openEnds(from: string, to: string, environment: Environment, runtime: Runtime) {
  const [fromConfig, toConfig] = [configOf(from, environment), configOf(to, environment)];
  if (from === to) throw oneEnd(`${from} is both the source and the target`);
  const source = await openEnd(fromConfig, runtime);
  try {
    const target = await openEnd(toConfig, runtime);
    if (target.end.location === source.end.location) {
      await target.close();
      throw oneEnd(`${from} and ${to} are the same place`);
    }
    const workFolder = slotRootOf(toConfig.tmpDirectory, `move ${source.end.location} ${target.end.location}`);
    return { source, target, workFolder };
  } catch (error) {
    await source.close();
    throw error;
  }
}

function oneEnd(why: string): AppError {
  return new AppError('invalid', `A move needs two databases, but ${why}.`);
}

function configOf(name: string, environment: Environment): Config {
  if (!isBackend(name)) {
    throw new AppError('invalid', `"${name}" is not a backend.`, { hint: `Name one of ${backendNames.join(', ')}.` });
  }
  // Nothing may stand in for an end of a move.
  return { ...readConfig({ ...environment, DB_BACKEND: name }), fallbacks: [] };
}

function isBackend(name: string): name is BackendName {
  return (backendNames as readonly string[]).includes(name);
}

async function openEnd(config: Config, runtime: Runtime): Promise<{ end: MoveEnd; close: () => Promise<void> }> {
  const migrations = projectMigrations();
  if (config.chosen.backend === 'postgres') {
    const { pool, location } = await openPostgres(config.chosen, { migrations, runtime });
    return { end: { kind: 'postgres', location, pool }, close: () => pool.close() };
  }
  const { engine, location } = await openEngine(config, { migrations, runtime }, { memoryLimitBytes, readDeadlineMs });
  return { end: { kind: 'duckdb', location, engine }, close: () => engine.close() };
}
