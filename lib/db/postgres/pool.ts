import type { ConnectionOptions } from 'node:tls';
import { attachDatabasePool } from '@vercel/functions/db-connections';
import { AppError } from '../../errors.ts';
import type { Row } from '../../values.ts';
import { type ConnectionSettings, tlsOptions } from './connection-string.ts';
import { mapConnectError } from './errors.ts';
import type { Limits } from './limits.ts';
import { ServerSession } from './session.ts';
import { readerOf, type ReadText } from './values.ts';

export interface PostgresStatement {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Rows as lists of values: for results in which two columns have one name. */
  readonly rowMode?: 'array';
  /** Under which the session keeps it: the same text each time. */
  readonly name?: string | undefined;
}

export interface ResultField {
  readonly name: string;
  readonly dataTypeID: number;
  /** For `numeric`, its digits; -1 where the type says no more. */
  readonly dataTypeModifier: number;
}

export interface PostgresResult {
  /** The first word of what the server says it did: `COMMIT`, `ROLLBACK`, `SELECT`. */
  readonly command: string | null;
  readonly rowCount: number | null;
  readonly rows: Row[];
  readonly fields: readonly ResultField[];
}

export interface Connection {
  readonly session: ServerSession;
  /** Whether a statement is sent while others are not answered yet; else it waits in the driver. */
  readonly isPipelined: boolean;
  /** Several statements in one text, without values, answer the result of the last. */
  run(statement: PostgresStatement): Promise<PostgresResult>;
  release(): void;
  /** Ends it at once. Called once, instead of `release`. */
  destroy(): void;
}

export interface ConnectionPool {
  connect(): Promise<Connection>;
  close(): Promise<void>;
}

interface DriverPool {
  connect(): Promise<DriverClient>;
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

interface DriverClient {
  /** As the server named it; the type that the driver declares lacks it. */
  readonly processID?: number | null;
  readonly pipeline?: boolean;
  readonly connection?: DriverMessages;
  query(statement: PostgresStatement & { values?: unknown[] }): Promise<PostgresResult | PostgresResult[]>;
  release(destroy?: boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

interface DriverMessages {
  on(event: 'parameterStatus', listener: (message: ReportedSetting) => void): unknown;
}

type ReportedSetting = { readonly parameterName: string; readonly parameterValue: string };

type MakePool = (tls: ConnectionOptions | false) => DriverPool;

export interface PoolOptions {
  readonly settings: ConnectionSettings;
  readonly driver: 'pg' | 'neon';
  readonly limits: Limits;
  readonly warn: (message: string) => void;
}

/** Loads the driver; connects to nothing yet. @throws AppError `invalid` when a certificate cannot be read */
export async function openPool(options: PoolOptions): Promise<ConnectionPool> {
  if (options.driver === 'neon') {
    const { Pool } = await import('@neondatabase/serverless');
    // Neon's driver always uses a WebSocket with TLS of its own.
    return new LentPool(options, (tls) => new Pool(poolConfig(options, tls)), false);
  }
  const { tls: asked, channelBinding } = options.settings;
  const [{ Pool }, tls, bound] = await Promise.all([
    import('pg'),
    tlsOptions(asked),
    channelBinding === 'require' ? import('./channel-binding.ts') : null,
  ]);
  const makePool: MakePool = (use) =>
    new Pool({ ...poolConfig(options, use), pipeline: true, ...(bound && { Client: bound.BoundClient }) });
  return new LentPool(options, makePool, tls);
}

/** A pooler may lend a server's session to many: settings are made where it is known that it does not (session.ts). */
function poolConfig({ settings, limits }: PoolOptions, ssl: ConnectionOptions | false) {
  const { host, port, user, password, database, applicationName, options, tls } = settings;
  return {
    host,
    port,
    ...(user === null ? {} : { user }),
    ...(password === null ? {} : { password }),
    ...(database === null ? {} : { database }),
    ssl,
    ...(ssl !== false && tls.directNegotiation ? { sslnegotiation: 'direct' as const } : {}),
    enableChannelBinding: settings.channelBinding !== 'disable',
    application_name: applicationName,
    ...(options === null ? {} : { options }),
    types: { getTypeParser: (oid: number): ReadText => readerOf(oid) },
    max: settings.maxConnections ?? limits.maxConnections,
    connectionTimeoutMillis: Math.min(limits.connectMs, settings.connectTimeoutMs ?? Infinity),
    idleTimeoutMillis: limits.idleMs,
    keepAlive: true,
  };
}

class LentPool implements ConnectionPool {
  readonly #options: PoolOptions;
  readonly #makePool: MakePool;
  #pool: DriverPool;
  /** `sslmode=prefer`, and the server has not said no. */
  #mayGoWithoutTls: boolean;
  #closed = false;

  constructor(options: PoolOptions, makePool: MakePool, tls: ConnectionOptions | false) {
    this.#options = options;
    this.#makePool = makePool;
    this.#mayGoWithoutTls = tls !== false && options.settings.tls.mode === 'prefer';
    this.#pool = this.#make(tls);
  }

  async connect(): Promise<Connection> {
    if (this.#closed) throw new AppError('unavailable', 'The database is closed.');
    const pool = this.#pool;
    try {
      return lend(await pool.connect());
    } catch (error) {
      if (!this.#mayGoWithoutTls || !isWithoutTls(error)) throw this.#explain(error);
      if (pool === this.#pool) this.#goWithoutTls();
      return this.connect();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pool.end();
  }

  #goWithoutTls(): void {
    const before = this.#pool;
    this.#mayGoWithoutTls = false;
    this.#pool = this.#make(false);
    void before.end();
  }

  #make(tls: ConnectionOptions | false): DriverPool {
    const pool = this.#makePool(tls);
    // Without a listener it would end the process. The pool has removed the connection already.
    pool.on('error', () => this.#options.warn('An idle connection to PostgreSQL was lost.'));
    // Keeps a Fluid instance from being frozen with connections open: https://vercel.com/docs/functions/functions-api-reference/vercel-functions-package#database-connection-pool-management
    attachDatabasePool(pool as never);
    return pool;
  }

  #explain(error: unknown): AppError {
    if (error instanceof Error && error.message === 'timeout exceeded when trying to connect') {
      const size = this.#options.settings.maxConnections ?? this.#options.limits.maxConnections;
      return new AppError('unavailable', `All ${size} connections of this instance are busy.`, {
        retryAfterMs: 1000,
        hint: 'connection_limit in DATABASE_URL sets how many there are.',
      });
    }
    return mapConnectError(error);
  }
}

function isWithoutTls(error: unknown): boolean {
  return error instanceof Error && error.message.includes('does not support SSL');
}

/** The protocol counts them in 16 bits, and the connection would break. */
const mostParameters = 65_535;

function tooManyParameters(): AppError {
  return new AppError('invalid', `PostgreSQL takes ${mostParameters} parameters at most.`, {
    sqlState: '54023',
    hint: 'Send them as one list: unnest($1::text[]).',
  });
}

/** The query in flight is rejected with the same error; what comes between queries shows in the next. */
const ignore = (): void => undefined;

const sessions = new WeakMap<DriverClient, ServerSession>();

function sessionOf(client: DriverClient): ServerSession {
  const known = sessions.get(client);
  if (known) return known;
  const session = new ServerSession(() => client.processID ?? null);
  client.connection?.on('parameterStatus', (told) => session.noteSetting(told.parameterName, told.parameterValue));
  sessions.set(client, session);
  return session;
}

function lend(client: DriverClient): Connection {
  client.on('error', ignore);
  return {
    session: sessionOf(client),
    isPipelined: client.pipeline === true,
    async run({ text, values, rowMode, name }) {
      if (values && values.length > mostParameters) throw tooManyParameters();
      const form = { ...(rowMode && { rowMode }), ...(name !== undefined && { name }) };
      const answered = await client.query(values ? { text, values: [...values], ...form } : { text, ...form });
      if (!Array.isArray(answered)) return answered;
      const last = answered.at(-1);
      if (!last) throw new Error('PostgreSQL sent no result.');
      return last;
    },
    release() {
      client.off('error', ignore);
      client.release();
    },
    // The listener stays: what a dying connection still says must not end the process.
    destroy: () => client.release(true),
  };
}
