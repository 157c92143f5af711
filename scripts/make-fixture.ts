/**
 * `node scripts/make-fixture.ts`: writes test/upgrade/format-<n>.json.gz, a store as this version writes it. Run once for
 * each format, when it is released; what it wrote is never made again.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createApp } from '../lib/app.ts';
import { backendFactories } from '../lib/backends.ts';
import { systemRuntime as runtime } from '../lib/runtime.ts';
import { executeCommand, type Command } from '../lib/schema/commands.ts';
import { migrations } from '../test/support/migrations.ts';
import { schema } from '../lib/schema/tables/index.ts';
import { createDirectoryStore } from '../lib/store/directory.ts';
import { recordFormat } from '../lib/sync/record.ts';

const folder = mkdtempSync(join(tmpdir(), 'eider-fixture-'));
const root = join(folder, 'store');
const app = createApp({
  schema,
  migrations,
  runtime,
  environment: () => ({ LOCAL_DB_PATH: join(root, 'school.db'), TMPDIR: folder }),
  factories: backendFactories,
  signals: process,
});
const { database } = await app.open();

const at = '2026-11-25T04:05:06.123456Z';
const idOf = (number: number): string => `0193f0c0-0000-7000-8000-${String(number).padStart(12, '0')}`;
const run = (command: Command) => database.write((queries) => executeCommand(queries, schema, command), { command });

for (let number = 1; number <= 40; number++) {
  const values = { name: `Student ${number} Ünïcode`, email: `student-${number}@example.com` };
  await run({ kind: 'create', table: 'students', id: idOf(number), at, values });
}
const course = { code: 'CS1', title: 'Databases', credits: 6 };
await run({ kind: 'create', table: 'courses', id: idOf(101), at, values: course });
await database.sync();
// The tail: what no snapshot has.
const enrollment = { student_id: idOf(1), course_id: idOf(101), term: '2026-2', status: 'enrolled', grade: null };
await run({ kind: 'create', table: 'enrollments', id: idOf(201), at, values: enrollment });
await run({ kind: 'update', table: 'students', id: idOf(2), at, values: { name: 'Ada Lovelace' } });
await run({ kind: 'delete', table: 'students', id: idOf(40), at });
await app.close();

const store = createDirectoryStore({ root, create: false, runtime });
const objects: Record<string, string> = {};
for (const { key } of (await store.list('')).objects)
  objects[key] = Buffer.from((await store.get(key)) ?? []).toString('base64');
const path = new URL(`../test/upgrade/format-${recordFormat}.json.gz`, import.meta.url);
writeFileSync(path, gzipSync(JSON.stringify(objects), { level: 9 }));
rmSync(folder, { recursive: true });
