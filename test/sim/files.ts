/**
 * Database files looked at, and made, from outside of a simulation.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyProjects, readProjects } from './projects.ts';
import { emptyModel, stateText } from './workload.ts';

async function withDatabase<T>(
  path: string,
  options: Record<string, string>,
  work: (rows: (sql: string) => Promise<unknown[][]>) => Promise<T>,
): Promise<T> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(path, { threads: '1', ...options });
  const connection = await instance.connect();
  try {
    return await work(async (sql) => (await connection.runAndReadAll(sql)).getRows());
  } finally {
    connection.disconnectSync();
    instance.closeSync();
  }
}

const legacies = new Map<number, Uint8Array>();

/** A database file as a user may have had it before, with so many rows in a table of his own, and one that refers to it. */
export async function legacyFile(folder: string, count: number): Promise<Uint8Array> {
  const made = legacies.get(count);
  if (made) return made;
  const path = join(folder, 'legacy.duckdb');
  await withDatabase(path, { default_block_size: '16384' }, async (rows) => {
    await rows('CREATE TABLE legacy (id INTEGER PRIMARY KEY, note VARCHAR)');
    await rows(`INSERT INTO legacy SELECT range, 'note ' || range FROM range(${count})`);
    await rows('CREATE TABLE legacy_lines (legacy INTEGER REFERENCES legacy (id))');
    await rows('INSERT INTO legacy_lines VALUES (0), (NULL)');
    return rows('CHECKPOINT');
  });
  const bytes = readFileSync(path);
  rmSync(path);
  legacies.set(count, bytes);
  return bytes;
}

export interface FileContents {
  readonly version: number;
  readonly text: string;
  readonly legacyRows: number | null;
}

/** What a snapshot holds: its position, and the workload's state. */
export async function readSnapshot(folder: string, bytes: Uint8Array): Promise<FileContents> {
  const path = join(folder, 'looked-at.duckdb');
  writeFileSync(path, bytes);
  try {
    return await withDatabase(path, { access_mode: 'READ_ONLY' }, async (rows) => {
      const [position] = await rows('SELECT version FROM eider.state');
      const tables = new Set((await rows('SELECT table_name FROM duckdb_tables()')).map(([name]) => String(name)));
      const model = emptyModel();
      for (const table of ['registers', 'accounts', 'members'] as const) {
        if (!tables.has(table)) continue;
        for (const [id, value] of await rows(`FROM ${table}`)) model[table].set(String(id), Number(value));
      }
      if (tables.has('journal')) for (const [id] of await rows('FROM journal')) model.journal.add(String(id));
      if (tables.has('projects')) model.projects = copyProjects(await readProjects(rows));
      const legacyRows = tables.has('legacy') ? Number((await rows('SELECT count(*) FROM legacy'))[0]?.[0]) : null;
      return { version: Number(position?.[0]), text: stateText(model), legacyRows };
    });
  } finally {
    rmSync(path, { force: true });
  }
}
