/** Databases to measure: sample files of a given size, and databases made without a server. */
import { DuckDBInstance } from '@duckdb/node-api';
import { constants } from 'node:fs';
import { copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore } from '../lib/backends.ts';
import { readConfig } from '../lib/config/config.ts';
import type { Database } from '../lib/db/database.ts';
import { openDuckDbDatabase } from '../lib/db/duckdb/duckdb-database.ts';
import { type Command, executeCommand } from '../lib/rows/commands.ts';
import { systemRuntime } from '../lib/runtime.ts';
import { migrations } from '../test/support/migrations.ts';
import type { Variables } from './backends.ts';
import { newStudent } from './subjects.ts';

/** The database file's key where a bench names none. */
export const databaseName = 'student_courses.db';

/** Opens in this process what the variables name; `slotRoot` is for its replica. */
export async function openDatabase(variables: Variables, slotRoot: string): Promise<Database> {
  const { store, name } = await openStore(readConfig(variables), systemRuntime);
  return openDuckDbDatabase({ store, name, slotRoot, runtime: systemRuntime, migrations, maxStalenessMs: 0 });
}

/** One small write as `POST /api/students` makes it. Answers its id. */
export async function createStudent(database: Database): Promise<string> {
  const id = systemRuntime.uuid();
  const command: Command = { kind: 'create', table: 'students', values: { id, ...newStudent() } };
  await database.write((queries, scope) => executeCommand(queries, scope, command), { command });
  return id;
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
const bytesPerMb = 1_000_000;

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
    const database = await openDatabase({ NETWORK_DB_PATH: root }, slotRoot);
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
