import { projectMigrations } from '../app.ts';
import { openEngine, openPostgres, slotRootOf } from '../backends.ts';
import type { BackendName } from '../config/backends.ts';
import { type Config, examineEnvironment, readConfig } from '../config/config.ts';
import type { Environment } from '../config/variables.ts';
import type { MigrationMode } from '../db/migration-report.ts';
import type { MoveEnd } from '../db/move/report.ts';
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { NotUnderstood } from './terminal.ts';

/** DuckDB writes to its spill folder what does not fit. */
const memoryLimitBytes = 512 * 1024 * 1024;
const readDeadlineMs = 24 * 3_600_000;

/** @throws AppError `invalid` when the environment does not name one of them, or both are one */
export async function openEnds(from: BackendName, to: BackendName, environment: Environment, runtime: Runtime) {
  if (from === to) throw oneEnd(`${from} is both the source and the target`);
  const [fromConfig, toConfig] = [configOf(from, environment), configOf(to, environment)];
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
  return new NotUnderstood(`A move needs two databases, but ${why}.`);
}

function configOf(name: BackendName, environment: Environment): Config {
  const asked = { ...environment, DB_BACKEND: name };
  const { candidates } = examineEnvironment(asked);
  const found = candidates.find(({ backend }) => backend === name);
  if (found?.state === 'not-configured') {
    throw new AppError('invalid', `The backend ${name} is not configured: ${found.reason}`, {
      hint: 'Set its variables in the environment or in .env, beside those of the other end; .env.example has them all.',
    });
  }
  return withoutFallbacks(readConfig(asked));
}

/** Nothing may stand in for a database that is replaced or copied as a whole. */
const withoutFallbacks = (config: Config): Config => ({ ...config, fallbacks: [] });

/** A database as a whole, without what the functions have around it. */
interface OpenEnd {
  readonly end: MoveEnd;
  close(): Promise<void>;
}

/** That of the environment, with no migration run. */
export async function openChosen(
  environment: Environment,
  runtime: Runtime,
): Promise<OpenEnd & { workFolder: string }> {
  const config = withoutFallbacks(readConfig(environment));
  const opened = await openEnd(config, runtime, { isDryRun: true, report: () => undefined });
  return { ...opened, workFolder: slotRootOf(config.tmpDirectory, `restore ${opened.end.location}`) };
}

async function openEnd(config: Config, runtime: Runtime, migrationMode?: MigrationMode): Promise<OpenEnd> {
  const context = { migrations: projectMigrations(), runtime, ...(migrationMode ? { migrationMode } : {}) };
  if (config.chosen.backend === 'postgres') {
    const { pool, location } = await openPostgres(config.chosen, context);
    return { end: { kind: 'postgres', location, pool }, close: () => pool.close() };
  }
  const { engine, location } = await openEngine(config, context, { memoryLimitBytes, readDeadlineMs });
  return { end: { kind: 'duckdb', location, engine }, close: () => engine.close() };
}
