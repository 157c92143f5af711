/** The changes of a record to the tables of projects, in plain JavaScript. */
import { addColumn, type ProjectsModel } from './projects.ts';
import { Violation } from './violation.ts';

type Row = Readonly<Record<string, unknown>>;

export interface ChangeText {
  readonly table?: string;
  readonly schema?: string;
  readonly put?: readonly Row[];
  readonly delete?: readonly Row[];
  readonly add?: readonly Row[];
  readonly remove?: readonly Row[];
  readonly fresh?: true;
  readonly ddl?: string;
}

/** Also what is of no table: sequences and definitions. */
export function isOfProjects({ table }: ChangeText): boolean {
  return table === undefined || ['projects', 'tasks', 'events'].includes(table);
}

/** Numbers that new tasks got, in the order in which they were filed. */
export function numbersOf(changes: readonly ChangeText[]): number[] {
  return changes
    .filter(({ table, fresh }) => table === 'tasks' && fresh === true)
    .flatMap(({ put }) => (put ?? []).map((row) => Number(row['number'])));
}

export function applyProjectImages(model: ProjectsModel, version: number, change: ChangeText): void {
  const { table, put = [], delete: gone = [], add = [], remove = [] } = change;
  const added = /^ALTER TABLE .*projects"? ADD COLUMN "?(c\d)/.exec(change.ddl ?? '')?.[1];
  if (added !== undefined) addColumn(model, added);
  for (const row of put) {
    if (table === 'projects') putProject(model, row);
    else putTask(model, version, row, change.fresh === true);
  }
  for (const row of gone) {
    if (table === 'projects') model.projects.delete(String(row['id']));
    else model.tasks.delete(Number(row['number']));
  }
  for (const row of remove) removeEvent(model, version, eventOf(row));
  model.events.push(...add.map(eventOf));
}

function putProject(model: ProjectsModel, row: Row): void {
  model.projects.set(String(row['id']), JSON.stringify(model.columns.map((column) => row[column])));
}

/** Numbers of a sequence only go up, as each is given on the state that has all those before. */
function putTask(model: ProjectsModel, version: number, row: Row, isNew: boolean): void {
  const number = Number(row['number']);
  if (isNew && number <= model.lastNumber)
    throw new Violation('numbers are given once', `record ${version} gives ${number}, after ${model.lastNumber}`);
  model.lastNumber = Math.max(model.lastNumber, number);
  model.tasks.set(number, String(row['project']));
}

function removeEvent(model: ProjectsModel, version: number, event: string): void {
  const at = model.events.indexOf(event);
  if (at < 0)
    throw new Violation('serializable', `record ${version} takes away the event ${event}, which is not there`);
  model.events.splice(at, 1);
}

function eventOf(row: Row): string {
  return `${String(row['task'])} ${String(row['what'])}`;
}

/** At the end of each record every task has its project. */
export function requireReferences({ projects, tasks }: ProjectsModel, version: number): void {
  for (const [number, project] of tasks) {
    if (!projects.has(project))
      throw new Violation('references hold', `record ${version} leaves task ${number} without its project ${project}`);
  }
}
