import { projectMigrations } from '../app.ts';
import { openEngine, openPostgres, slotRootOf } from '../backends.ts';
import type { BackendName } from '../config/backends.ts';
import { type Config, examineEnvironment, readConfig } from '../config/config.ts';
import type { Environment } from '../config/variables.ts';
import type { MigrationMode } from '../db/migration-report.ts';
import type { MoveBackend } from '../db/move/report.ts';
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { NotUnderstood } from './terminal.ts';

/** DuckDB writes to its spill folder what does not fit. */
const memoryLimitBytes = 512 * 1024 * 1024;
const readDeadlineMs = 24 * 3_600_000;

/** @throws AppError `invalid` when the environment does not configure both, or both are the same database */
export async function openSourceAndTarget(
  from: BackendName,
  to: BackendName,
  environment: Environment,
  runtime: Runtime,
) {
  if (from === to) throw notTwoDatabases(`${from} is both the source and the target`);
  const [fromConfig, toConfig] = [configOf(from, environment), configOf(to, environment)];
  const source = await openWhole(fromConfig, runtime);
  try {
    const target = await openWhole(toConfig, runtime);
    if (target.backend.location === source.backend.location) {
      await target.close();
      throw notTwoDatabases(`${from} and ${to} are the same place`);
    }
    const workFolder = slotRootOf(toConfig.tmpDirectory, `move ${source.backend.location} ${target.backend.location}`);
    return { source, target, workFolder };
  } catch (error) {
    await source.close();
    throw error;
  }
}

function notTwoDatabases(why: string): AppError {
  return new NotUnderstood(`A move needs two databases, but ${why}.`);
}

function configOf(name: BackendName, environment: Environment): Config {
  const asked = { ...environment, DB_BACKEND: name };
  const { candidates } = examineEnvironment(asked);
  const found = candidates.find(({ backend }) => backend === name);
  if (found?.state === 'not-configured') {
    throw new AppError('invalid', `The backend ${name} is not configured: ${found.reason}`, {
      hint: 'Set its variables in the environment or in .env, beside those of the other backend; .env.example has them all.',
    });
  }
  return withoutFallbacks(readConfig(asked));
}

/** A database that is replaced or copied as a whole must be the primary, never a fallback. */
const withoutFallbacks = (config: Config): Config => ({ ...config, fallbacks: [] });

/** One database, without the layers that serve requests. */
interface WholeBackend {
  readonly backend: MoveBackend;
  close(): Promise<void>;
}

/** Opens the backend that the environment names, without running migrations. */
export async function openChosen(
  environment: Environment,
  runtime: Runtime,
): Promise<WholeBackend & { workFolder: string }> {
  const config = withoutFallbacks(readConfig(environment));
  const opened = await openWhole(config, runtime, { isDryRun: true, report: () => undefined });
  return { ...opened, workFolder: slotRootOf(config.tmpDirectory, `restore ${opened.backend.location}`) };
}

async function openWhole(config: Config, runtime: Runtime, migrationMode?: MigrationMode): Promise<WholeBackend> {
  const context = { migrations: projectMigrations(), runtime, ...(migrationMode ? { migrationMode } : {}) };
  if (config.chosen.backend === 'postgres') {
    const { pool, location } = await openPostgres(config.chosen, context);
    return { backend: { kind: 'postgres', location, pool }, close: () => pool.close() };
  }
  const { engine, location } = await openEngine(config, context, { memoryLimitBytes, readDeadlineMs });
  return { backend: { kind: 'duckdb', location, engine }, close: () => engine.close() };
}
