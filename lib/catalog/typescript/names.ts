/** Names of TypeScript for names of SQL. */

/** `student courses` → `StudentCourses`; what cannot begin a name gets a `_` before it. */
export function pascalCase(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
  const joined = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
  return /^\p{L}/u.test(joined) ? joined : `_${joined}`;
}

/** `created_at` → `createdAt`. */
export function camelCase(name: string): string {
  const pascal = pascalCase(name);
  return pascal[0]!.toLowerCase() + pascal.slice(1);
}

/** Gives each of some things a name of its own: of two that would have the same one, the second gets a number. */
export function distinctNames<T>(things: readonly T[], nameOf: (thing: T) => string, taken: Iterable<string> = []) {
  const used = new Set(taken);
  const names = new Map<T, string>();
  for (const thing of things) {
    const wanted = nameOf(thing);
    let name = wanted;
    for (let count = 2; used.has(name); count++) name = `${wanted}${count}`;
    used.add(name);
    names.set(thing, name);
  }
  return names;
}

export function property(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name);
}

/** A text in single quotes. */
export function literal(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1);
  return `'${inner.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

export function comment(text: string | null, indent: string): string {
  return text === null ? '' : `${indent}/** ${text.replaceAll('*/', '*\\/').replaceAll(/\s+/g, ' ').trim()} */\n`;
}
