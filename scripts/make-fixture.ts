/**
 * `node scripts/make-fixture.ts`: writes test/system/upgrade/format-<n>.json.gz, a store as this version writes it. Run once for
 * each format, when it is released; what it wrote is never made again.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createApp, projectMigrations } from '../lib/app.ts';
import { backendFactories } from '../lib/backends.ts';
import { systemRuntime as runtime } from '../lib/runtime.ts';
import { createDirectoryStore } from '../lib/store/directory.ts';
import { recordFormat } from '../lib/sync/record.ts';
import type { PlainValue } from '../lib/values.ts';

const folder = mkdtempSync(join(tmpdir(), 'eider-fixture-'));
const root = join(folder, 'store');
const app = createApp({
  migrations: projectMigrations(),
  runtime,
  environment: () => ({ LOCAL_DB_PATH: join(root, 'school.db'), TMPDIR: folder }),
  factories: backendFactories,
  signals: process,
});
const { database } = await app.open();

const at = '2026-11-25T04:05:06.123456Z';
const idOf = (number: number): string => `0193f0c0-0000-7000-8000-${String(number).padStart(12, '0')}`;
const run = (sql: string, ...values: PlainValue[]) => database.write((_queries, scope) => scope.run(sql, values));

const insertStudent = 'INSERT INTO students VALUES ($1, $2, $3, $4, $4)';
for (let number = 1; number <= 40; number++) {
  await run(insertStudent, idOf(number), `Student ${number} Ünïcode`, `student-${number}@example.com`, at);
}
await run('INSERT INTO courses VALUES ($1, $2, $3, $4, $5, $5)', idOf(101), 'CS1', 'Databases', 6, at);
await run('CREATE SEQUENCE numbers START 7');
await run(`CREATE TABLE readings (number BIGINT DEFAULT nextval('numbers'), value DOUBLE)`);
await run('INSERT INTO readings (value) VALUES (0.5), (0.5)');
await database.sync();
// The tail: what no snapshot has.
const enrollment = `INSERT INTO enrollments VALUES ($1, $2, $3, '2026-2', 'enrolled', NULL, $4, $4)`;
await run(enrollment, idOf(201), idOf(1), idOf(101), at);
await run(`UPDATE students SET name = 'Ada Lovelace' WHERE id = $1`, idOf(2));
await run('DELETE FROM students WHERE id = $1', idOf(40));
await run('INSERT INTO readings (value) VALUES (1.5)');
await run('DELETE FROM readings WHERE number = 8');
await app.close();

const store = createDirectoryStore({ root, create: false, runtime });
const objects: Record<string, string> = {};
for (const { key } of (await store.list('')).objects)
  objects[key] = Buffer.from((await store.get(key)) ?? []).toString('base64');
const path = new URL(`../test/system/upgrade/format-${recordFormat}.json.gz`, import.meta.url);
writeFileSync(path, gzipSync(JSON.stringify(objects), { level: 9 }));
rmSync(folder, { recursive: true });
