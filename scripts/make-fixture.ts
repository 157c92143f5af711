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
import { executeCommand, type Command } from '../lib/rows/commands.ts';
import { migrations } from '../test/support/migrations.ts';
import { createDirectoryStore } from '../lib/store/directory.ts';
import { recordFormat } from '../lib/sync/record.ts';
import type { PlainValue } from '../lib/values.ts';

const folder = mkdtempSync(join(tmpdir(), 'eider-fixture-'));
const root = join(folder, 'store');
const app = createApp({
  migrations,
  runtime,
  environment: () => ({ LOCAL_DB_PATH: join(root, 'school.db'), TMPDIR: folder }),
  factories: backendFactories,
  signals: process,
});
const { database } = await app.open();

const idOf = (number: number): string => `0193f0c0-0000-7000-8000-${String(number).padStart(12, '0')}`;
const run = (command: Command) =>
  database.write((queries, scope) => executeCommand(queries, scope, command), {
    command: command as unknown as PlainValue,
  });

for (let number = 1; number <= 40; number++) {
  const values = { name: `Student ${number} Ünïcode`, email: `student-${number}@example.com` };
  await run({ kind: 'create', table: 'students', values: { id: idOf(number), ...values } });
}
const course = { code: 'CS1', title: 'Databases', credits: 6 };
await run({ kind: 'create', table: 'courses', values: { id: idOf(101), ...course } });
await database.sync();
// The tail: what no snapshot has.
const enrollment = { student_id: idOf(1), course_id: idOf(101), term: '2026-2', status: 'enrolled', grade: null };
await run({ kind: 'create', table: 'enrollments', values: { id: idOf(201), ...enrollment } });
await run({ kind: 'update', table: 'students', key: [idOf(2)], values: { name: 'Ada Lovelace' } });
await run({ kind: 'delete', table: 'students', key: [idOf(40)] });
await app.close();

const store = createDirectoryStore({ root, create: false, runtime });
const objects: Record<string, string> = {};
for (const { key } of (await store.list('')).objects)
  objects[key] = Buffer.from((await store.get(key)) ?? []).toString('base64');
const path = new URL(`../test/upgrade/format-${recordFormat}.json.gz`, import.meta.url);
writeFileSync(path, gzipSync(JSON.stringify(objects), { level: 9 }));
rmSync(folder, { recursive: true });
