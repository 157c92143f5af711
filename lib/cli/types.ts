import { readFile, writeFile } from 'node:fs/promises';
import { type TypesFor, writeTypes } from '../catalog/typescript.ts';
import { withDatabase } from './api.ts';
import { type Common, exitCodes, print, report, type Terminal } from './terminal.ts';

export interface TypesOptions extends Common {
  readonly for: TypesFor;
  readonly out?: string;
  readonly check?: boolean;
}

export async function types(terminal: Terminal, options: TypesOptions): Promise<number> {
  const catalog = await withDatabase(terminal, (database) => database.catalog({ maxStalenessMs: 0 }));
  const text = writeTypes(catalog, options.for);
  const { out, check } = options;
  if (out === undefined) {
    await print(terminal.stdout, options.json === true ? `${JSON.stringify({ types: text })}\n` : text);
    return exitCodes.done;
  }
  const isCurrent = (await readFile(out, 'utf8').catch(() => null)) === text;
  if (!isCurrent && check !== true) await writeFile(out, text);
  const outcome = isCurrent ? 'as it is' : check === true ? 'out of date' : 'written';
  await report(terminal, options, { file: out, outcome }, `${out}: ${outcome}\n`);
  return outcome === 'out of date' ? exitCodes.attention : exitCodes.done;
}
