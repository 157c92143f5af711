/**
 * Sequences of which one side may have given numbers that no record holds: what a transaction took that failed does not come
 * back, and nobody else hears of it.
 */
import type { Database } from '../../../lib/db/database.ts';
import type { Statement } from '../../support/statements/statement.ts';
import type { Answered } from './oracle.ts';
import { type DatabaseState, differencesOf } from '../../support/database-state.ts';

/** As `differencesOf`, but a sequence of `further` may be further on than in `base`; never the other way round. */
export function differencesBeyond(base: DatabaseState, further: DatabaseState): string[] {
  const behind = Object.keys(base.sequences).filter((name) => {
    const [at, next] = [base.sequences[name]!, further.sequences[name]];
    return next === undefined || isBehind(BigInt(next), BigInt(at), base.definitions[`sequence ${name}`]);
  });
  return [
    ...differencesOf({ ...base, sequences: {} }, { ...further, sequences: {} }),
    ...behind.map(
      (name) => `next value of ${name}: at least ${base.sequences[name]}, found ${further.sequences[name]}`,
    ),
  ];
}

/** One that starts over at its end is never behind. */
function isBehind(next: bigint, at: bigint, definition = '[]'): boolean {
  const [, , increment, cycles] = JSON.parse(definition) as string[];
  if (cycles === 'true') return false;
  return BigInt(increment ?? 1) > 0n ? next < at : next > at;
}

/** Takes a number of each sequence from one instance after the other: each is further on than those before, and none was in use. */
export async function numbersGivenTwice(databases: readonly Database[], before: DatabaseState): Promise<string[]> {
  const wrong: string[] = [];
  for (const [name, next] of Object.entries(before.sequences)) {
    const numbers: bigint[] = [];
    const definition = before.definitions[`sequence ${name}`];
    if (isExhaustedSoon(BigInt(next), definition, databases.length)) continue;
    for (const database of databases) numbers.push(await takeNumber(database, name));
    const isWrong = numbers.some((number, index) =>
      isBehind(number, index === 0 ? BigInt(next) : after(numbers[index - 1]!, definition), definition),
    );
    if (isWrong)
      wrong.push(
        'A number is given twice:',
        `${name}, which stood at ${next}, gives ${numbers.join(', ')} on instances in turn`,
      );
  }
  return wrong;
}

async function takeNumber(database: Database, name: string): Promise<bigint> {
  const [schema = '', ...rest] = name.split('.');
  const path = [schema, rest.join('.')].map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
  const { value } = await database.write((_, scope) => scope.run(`SELECT nextval('${path.replaceAll("'", "''")}')`));
  return BigInt(value.rows[0]?.[0] as string);
}

function after(number: bigint, definition = '[]'): bigint {
  const [, , increment] = JSON.parse(definition) as string[];
  return number + BigInt(increment ?? 1);
}

/** Also one that starts over: its numbers come again. */
function isExhaustedSoon(next: bigint, definition = '[]', count: number): boolean {
  const [least, most, increment, cycles] = JSON.parse(definition) as string[];
  // Some may have been taken in vain.
  const last = next + BigInt(increment ?? 1) * BigInt(count + 50);
  return cycles === 'true' || last > BigInt(most ?? 0) || last < BigInt(least ?? 0);
}

/** Numbers that SELECT nextval(…) answered in committed transactions. */
export class GivenNumbers {
  readonly #given = new Map<string, Set<string>>();
  /** Then numbers come again, and it is not looked at which are whose. */
  #cycles = false;

  /** Those that were given before, in words. */
  add(statements: readonly Statement[], answers: readonly Answered[]): string[] {
    return statements.flatMap(({ sql }, index) => {
      if (/\bCYCLE\b/.test(sql)) this.#cycles = true;
      if (/\b(?:SEQUENCE|SCHEMA)\b/i.test(sql)) this.#given.clear();
      const name = /SELECT nextval\('((?:[^']|'')+)'\)/.exec(sql)?.[1]?.replaceAll("''", "'");
      if (name === undefined) return [];
      return this.#addAll(name, (answers[index]?.rows ?? []).flat().map(String));
    });
  }

  #addAll(name: string, numbers: readonly string[]): string[] {
    const given = this.#given.get(name) ?? new Set();
    this.#given.set(name, given);
    return numbers.flatMap((number) => {
      if (given.has(number) && !this.#cycles) return ['A number is given twice:', `${name} gave ${number} again`];
      given.add(number);
      return [];
    });
  }
}
