/** What the contract's suite runs on, and the rows that it uses. */
import { onTestFinished } from 'vitest';
import type { Database } from '../../../lib/db/database.ts';
import { type Command, executeCommand, type Outcome } from '../../../lib/rows/commands.ts';
import type { PlainValue } from '../../../lib/values.ts';
import { samplesMigration } from '../../support/samples.ts';
import type { Migration } from '../../../lib/catalog/migrations.ts';
import { migrations } from '../../support/migrations.ts';

/** A backend under test. */
export interface Place {
  /** Opens one database of the test's own; again and again with the same one. */
  open(migrations: readonly Migration[]): Promise<Database>;
}

/** Makes a place with an empty database. */
export type MakePlace = () => Promise<Place>;

export const allMigrations: readonly Migration[] = [...migrations, samplesMigration];
export const at = '2026-11-24T04:05:06.789012Z';

/** The database with the default tables and the samples; closed when the test ends. */
export async function openWith(makePlace: MakePlace, used: readonly Migration[] = allMigrations): Promise<Database> {
  const place = await makePlace();
  const database = await place.open(used);
  onTestFinished(() => database.close());
  return database;
}

/** As it is run by a request, or later from what a fallback kept of it. */
export async function run<C extends Command>(database: Database, command: C): Promise<Outcome<C>> {
  const copy = JSON.parse(JSON.stringify(command)) as C;
  const { value } = await database.write((queries, scope) => executeCommand(queries, scope, copy), {
    command: copy as unknown as PlainValue,
  });
  return value.value;
}

export async function createStudent(database: Database, email: string, name = 'Ada'): Promise<string> {
  return (await run(database, { kind: 'create', table: 'students', values: { name, email } }))['id'] as string;
}

export async function createCourse(database: Database, code: string): Promise<string> {
  const values = { code, title: 'Computing', credits: 5 };
  return (await run(database, { kind: 'create', table: 'courses', values }))['id'] as string;
}
