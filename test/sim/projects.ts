/**
 * The part of the workload that is SQL on tables that belong together: projects, their tasks, which take numbers from a
 * sequence, and a table of events without a key. With a model in plain JavaScript.
 */
import type { StatementResult } from '../../lib/sql/result.ts';
import type { PlainValue } from '../../lib/values.ts';
import { Refusal } from './refusal.ts';

/** Definitions that every run begins with. */
export const projectsSql = `
  CREATE TABLE projects (id VARCHAR PRIMARY KEY);
  CREATE SEQUENCE task_numbers;
  CREATE TABLE tasks (
    number BIGINT PRIMARY KEY DEFAULT nextval('task_numbers'),
    project VARCHAR NOT NULL REFERENCES projects (id)
  );
  CREATE TABLE events (task BIGINT NOT NULL, what VARCHAR NOT NULL);
  INSERT INTO projects VALUES ('p1');`;

const projectIds = ['p1', 'p2', 'p3'];
const columnNames = ['c1', 'c2', 'c3'];

export interface Projects {
  /** Each with the values of the columns that were added, as JSON. */
  readonly projects: ReadonlyMap<string, string>;
  /** The project of each task, by number. */
  readonly tasks: ReadonlyMap<number, string>;
  /** `7 done`; as often as it is there. */
  readonly events: readonly string[];
  /** Those that were added, in their order. */
  readonly columns: readonly string[];
}

export interface ProjectsModel {
  projects: Map<string, string>;
  tasks: Map<number, string>;
  events: string[];
  columns: string[];
  /** The highest number that any task ever had. */
  lastNumber: number;
}

export type ProjectWrite =
  | { readonly kind: 'found' | 'dissolve' | 'file' | 'finish'; readonly project: string }
  | { readonly kind: 'hand'; readonly from: string; readonly to: string }
  | { readonly kind: 'forget'; readonly task: number }
  | { readonly kind: 'widen'; readonly column: string };

export function isProjectWrite(write: { readonly kind: string }): write is ProjectWrite {
  return ['found', 'dissolve', 'file', 'finish', 'hand', 'forget', 'widen'].includes(write.kind);
}

/** Draws one. */
export function chooseProjectWrite(chance: () => number): ProjectWrite {
  const one = <T>(all: readonly T[]): T => all[Math.floor(chance() * all.length)]!;
  const drawn = chance();
  const project = one(projectIds);
  if (drawn < 0.2) return { kind: 'found', project };
  if (drawn < 0.35) return { kind: 'dissolve', project };
  if (drawn < 0.7) return { kind: 'file', project };
  if (drawn < 0.8) return { kind: 'finish', project };
  if (drawn < 0.9) return { kind: 'hand', from: project, to: one(projectIds) };
  if (drawn < 0.97) return { kind: 'forget', task: Math.ceil(chance() * 10) };
  return { kind: 'widen', column: one(columnNames) };
}

export type Run = (sql: string, values?: readonly PlainValue[]) => Promise<StatementResult>;

/** What leaves no trace. */
export const nothing = 'was absent';

/** Runs it as statements of SQL. Answers what the model says. */
export async function performProjectWrite(run: Run, write: ProjectWrite): Promise<string> {
  switch (write.kind) {
    case 'found':
      await run('INSERT INTO projects (id) VALUES ($1)', [write.project]);
      return 'founded';
    case 'dissolve':
      return countText(await run('DELETE FROM projects WHERE id = $1', [write.project]));
    case 'file': {
      const { rows } = await run('INSERT INTO tasks (project) VALUES ($1) RETURNING number AS "project"', [
        write.project,
      ]);
      return `filed ${rows[0]?.[0] as string}`;
    }
    case 'finish':
      await run(`INSERT INTO events BY NAME SELECT number AS task, 'done' AS what FROM tasks WHERE project = $1`, [
        write.project,
      ]);
      return countText(
        await run(
          'MERGE INTO tasks USING (SELECT $1::VARCHAR AS id) AS ended ON (tasks.project = ended.id) WHEN MATCHED THEN DELETE',
          [write.project],
        ),
      );
    case 'hand':
      return countText(await run('UPDATE tasks SET project = $2 WHERE project = $1', [write.from, write.to]));
    case 'forget':
      return countText(
        await run('WITH old AS (SELECT $1::BIGINT AS task) DELETE FROM events USING old WHERE events.task = old.task', [
          write.task,
        ]),
      );
    case 'widen':
      return widen(run, write.column);
  }
}

async function widen(run: Run, column: string): Promise<string> {
  const { rows } = await run(`SELECT 1 FROM duckdb_columns() WHERE table_name = 'projects' AND column_name = $1`, [
    column,
  ]);
  if (rows.length > 0) return nothing;
  await run(`ALTER TABLE projects ADD COLUMN ${column} INTEGER DEFAULT 7`);
  return 'widened';
}

function countText({ rowCount }: StatementResult): string {
  return rowCount === 0 ? nothing : `${rowCount}`;
}

/** Everything there is, by SQL. */
export async function readProjects(rows: (sql: string) => Promise<readonly (readonly unknown[])[]>): Promise<Projects> {
  const columns = (
    await rows(
      `SELECT column_name FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = 'projects' AND column_name <> 'id' ORDER BY column_index`,
    )
  ).map(([name]) => String(name));
  const projects = await rows(`SELECT id, to_json([${columns.join(', ')}]::INTEGER[])::VARCHAR FROM projects`);
  const tasks = await rows('SELECT number, project FROM tasks');
  const events = await rows('SELECT task, what FROM events');
  return {
    projects: new Map(projects.map(([id, values]) => [String(id), String(values)])),
    tasks: new Map(tasks.map(([number, project]) => [Number(number), String(project)])),
    events: events.map(([task, what]) => `${String(task)} ${String(what)}`),
    columns,
  };
}

/** As one text, whatever the order of rows. */
export function projectsText({ projects, tasks, events, columns }: Projects): string {
  const pairs = (map: ReadonlyMap<string | number, string>): string =>
    [...map]
      .map(([key, value]) => `${key}=${value}`)
      .toSorted()
      .join(' ');
  return `projects ${pairs(projects)}; tasks ${pairs(tasks)}; events ${events.toSorted().join(' ')}; columns ${columns.join(' ')}`;
}

// ---- the model ----

export function emptyProjects(): ProjectsModel {
  return { projects: new Map(), tasks: new Map(), events: [], columns: [], lastNumber: 0 };
}

export function copyProjects(model: Projects & { readonly lastNumber?: number }): ProjectsModel {
  return {
    projects: new Map(model.projects),
    tasks: new Map(model.tasks),
    events: [...model.events],
    columns: [...model.columns],
    lastNumber: model.lastNumber ?? 0,
  };
}

/** What it does to the model. `number`: what the sequence gave to a task. Throws `Refusal`. */
export function changeProjects(model: ProjectsModel, write: ProjectWrite, number: number): string {
  switch (write.kind) {
    case 'found':
      if (model.projects.has(write.project)) throw new Refusal('duplicate');
      model.projects.set(write.project, JSON.stringify(model.columns.map(() => 7)));
      return 'founded';
    case 'dissolve':
      if (tasksOf(model, write.project).length > 0) throw new Refusal('dangling');
      return model.projects.delete(write.project) ? '1' : nothing;
    case 'file':
      if (!model.projects.has(write.project)) throw new Refusal('dangling');
      model.tasks.set(number, write.project);
      return `filed ${number}`;
    case 'finish': {
      const ended = tasksOf(model, write.project);
      for (const task of ended) model.tasks.delete(task);
      model.events.push(...ended.map((task) => `${task} done`));
      return countOf(ended.length);
    }
    case 'hand':
      return handOver(model, write.from, write.to);
    case 'forget': {
      const kept = model.events.filter((event) => event !== `${write.task} done`);
      const count = model.events.length - kept.length;
      model.events = kept;
      return countOf(count);
    }
    case 'widen':
      if (model.columns.includes(write.column)) return nothing;
      addColumn(model, write.column);
      return 'widened';
  }
}

export function addColumn(model: ProjectsModel, column: string): void {
  model.columns.push(column);
  for (const [id, values] of model.projects)
    model.projects.set(id, JSON.stringify([...(JSON.parse(values) as number[]), 7]));
}

function handOver(model: ProjectsModel, from: string, to: string): string {
  const handed = tasksOf(model, from);
  if (handed.length > 0 && !model.projects.has(to)) throw new Refusal('dangling');
  for (const task of handed) model.tasks.set(task, to);
  return countOf(handed.length);
}

function tasksOf({ tasks }: ProjectsModel, project: string): number[] {
  return [...tasks].filter(([, each]) => each === project).map(([number]) => number);
}

function countOf(count: number): string {
  return count === 0 ? nothing : String(count);
}
