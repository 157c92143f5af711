/**
 * Databases to measure: sample files of a given size, databases opened on stores as the functions open them, and the
 * one small write that most benches repeat.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { sql } from 'kysely';
import { constants } from 'node:fs';
import { copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../lib/db/database.ts';
import { openDuckDbDatabase } from '../lib/db/duckdb/duckdb-database.ts';
import { systemRuntime } from '../lib/runtime.ts';
import { type Command, executeCommand } from '../lib/rows/commands.ts';
import { migrations } from '../test/support/migrations.ts';
import { createDirectoryStore } from '../lib/store/directory.ts';
import { withLatency } from '../lib/testing/latency.ts';
import type { Store } from '../lib/store/store.ts';

/** The database file's key in every store of the benches. */
export const databaseName = 'student_courses.db';
/** Delay of each operation of a far store. */
const farStoreMs = 20;

/** A store on `folder`. */
export function nearStore(folder: string): Store {
  return createDirectoryStore({ root: folder, create: true, runtime: systemRuntime });
}

/** The same store, each operation of which begins 20 ms later. */
export function farStore(folder: string): Store {
  return withLatency(nearStore(folder), { ms: farStoreMs, runtime: systemRuntime });
}

export interface OpenOptions {
  readonly store: Store;
  readonly slotRoot: string;
  /** 0 unless given: every read proves that it is fresh. */
  readonly maxStalenessMs?: number;
  /** The database file's key. */
  readonly name?: string;
}

export function openDatabase(options: OpenOptions): Promise<Database> {
  const { store, slotRoot, maxStalenessMs = 0, name = databaseName } = options;
  return openDuckDbDatabase({ store, name, slotRoot, runtime: systemRuntime, migrations, maxStalenessMs });
}

/** One small write as `POST /api/students` makes it: one row, checked, with two indexes. Answers its id. */
export async function createStudent(database: Database): Promise<string> {
  const id = systemRuntime.uuid();
  const command: Command = {
    kind: 'create',
    table: 'students',
    values: { id, name: 'Ada Lovelace', email: `ada.${id}@example.org` },
  };
  await database.write((queries, scope) => executeCommand(queries, scope, command), { command });
  return id;
}

/** Many rows in one commit. */
export async function createStudents(database: Database, count: number): Promise<void> {
  const row = sql`SELECT 'Ada Lovelace', 'ada.' || uuid() || '@example.org'`;
  await database.write((queries) =>
    queries
      .insertInto('students')
      .columns(['name', 'email'])
      .expression(sql`${row} FROM range(${sql.lit(count)})`)
      .execute(),
  );
}

/** Addresses like those that are written later: nothing that DuckDB knows of a column's range may tell them apart. */
const studentsSql = (count: number): string =>
  `INSERT INTO students SELECT uuid(), 'Student ' || i, 'ada.' || uuid() || '@example.org', now(), now()
   FROM range(${count}) AS r(i)`;
/** Bytes that a row of `students` takes with its two indexes, seen in files of DuckDB 1.5. */
const studentBytes = 186;
/** The part of a sample that is students; their indexes take long to build. */
const studentsShare = 1 / 4;
const ballastBytes = 32;
export const bytesPerMb = 1_000_000;

/** Sample database files, made once each and copied to where they are needed. */
export class Samples {
  readonly #folder: string;
  readonly #made = new Map<number, Promise<string>>();
  #seed: Promise<string> | null = null;

  /** `folder` is made when needed, and is the caller's to remove. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Copies the sample of `megabytes` to `path`: the tables of the schema with students in them, and ballast. */
  async place(megabytes: number, path: string): Promise<void> {
    if (!this.#made.has(megabytes)) this.#made.set(megabytes, this.#make(megabytes));
    await copyFile(await this.#made.get(megabytes)!, path, constants.COPYFILE_FICLONE);
  }

  async #make(megabytes: number): Promise<string> {
    this.#seed ??= this.#makeSeed();
    const path = join(this.#folder, `sample-${megabytes}.duckdb`);
    await copyFile(await this.#seed, path);
    await fill(path, megabytes * bytesPerMb);
    return path;
  }

  /** A database that has its tables and no rows, as a checkpoint publishes it. */
  async #makeSeed(): Promise<string> {
    const root = join(this.#folder, 'seed');
    await mkdir(root, { recursive: true });
    const slotRoot = join(this.#folder, 'seed-slots');
    const database = await openDatabase({ store: nearStore(root), slotRoot });
    await database.sync();
    await database.close();
    await rm(slotRoot, { recursive: true });
    return join(root, databaseName);
  }
}

/** Fills the file up to about `bytes`; one that is larger already stays as it is. */
async function fill(path: string, bytes: number): Promise<void> {
  const missing = bytes - (await stat(path)).size;
  if (missing <= 0) return;
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run(studentsSql(Math.ceil((missing * studentsShare) / studentBytes)));
  await connection.run('CHECKPOINT');
  const ballastRows = Math.max(0, Math.floor((bytes - (await stat(path)).size) / ballastBytes));
  // Hashes do not compress: the file grows by what is put into it.
  await connection.run(`CREATE TABLE ballast AS SELECT hash(i) AS a, hash(i + 1e10) AS b, hash(i + 2e10) AS c,
    hash(i + 3e10) AS d FROM range(${ballastRows}) AS r(i)`);
  await connection.run('CHECKPOINT');
  connection.disconnectSync();
  instance.closeSync();
}
