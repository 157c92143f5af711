/**
 * What a statement may call that runs in the server's own process, where it cannot be killed: it is a part of a write.
 *
 * DuckDB hears no interrupt within a chunk of rows, so nothing may take more than the length of a text, or make of it a text
 * many times as long. A SELECT by itself runs in a process of its own, and may.
 */
import { AppError } from '../../../errors.ts';

type PlanNode = Readonly<Record<string, unknown>>;
type PlanValues = readonly unknown[];

/** The product of two lengths, or a length given as a number. */
const refused: ReadonlySet<string> = new Set(
  `levenshtein damerau_levenshtein editdist3 jaccard jaro_similarity jaro_winkler_similarity repeat lpad rpad format
   printf bar list_resize array_resize ~~~`.split(/\s+/),
);
const likes: ReadonlySet<string> = new Set(
  '~~ !~~ ~~* !~~* like_escape not_like_escape ilike_escape not_ilike_escape'.split(' '),
);
/** Each with the place of what is put in. */
const replacing: Readonly<Record<string, number>> = { replace: 2, regexp_replace: 2 };
const longestPutIn = 100;

/** `%` at the ends alone, which takes the text once. */
const plainPattern = /^%*(?:[^%_\\]{1,1000}%*)?$/;

/** @throws AppError `invalid` */
export function requireBounded(node: PlanNode, values: PlanValues): void {
  const name = String(node['function_name']).toLowerCase();
  const children = (node['children'] ?? []) as readonly PlanNode[];
  if (refused.has(name)) throw unbounded(`the function ${name}`);
  if (likes.has(name)) requirePattern(children[1], values);
  const place = replacing[name];
  if (place === undefined) return;
  const text = textIn(children[place], values);
  if (text === null || text.length > longestPutIn)
    throw unbounded(`${name} with what is no text of at most ${longestPutIn} characters`);
}

function requirePattern(node: PlanNode | undefined, values: PlanValues): void {
  const text = textIn(node, values);
  if (text === null || !plainPattern.test(text))
    throw unbounded('LIKE with more than a text between "%"', 'Use regexp_matches, which takes a text once');
}

/** Null for what is not known before it runs. */
function textIn(node: PlanNode | undefined, values: PlanValues): string | null {
  const value = node?.['class'] === 'CONSTANT' ? constantIn(node['value']) : parameterIn(node, values);
  return typeof value === 'string' ? value : null;
}

function constantIn(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, 'value') : undefined;
}

function parameterIn(node: PlanNode | undefined, values: PlanValues): unknown {
  return node?.['class'] === 'PARAMETER' ? values[Number(node['identifier']) - 1] : undefined;
}

function unbounded(what: string, instead = 'Read the rows with a SELECT, which may use it'): AppError {
  return new AppError('invalid', `A statement that writes, or runs in its transaction, may not use ${what}.`, {
    sqlState: '0A000',
    hint: `${instead}, or have who holds the database in a program of its own run it: openDatabase, npx eider.`,
  });
}
