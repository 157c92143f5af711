/** Stores that a program names: what it leaves out comes from the environment, and is checked as if all of it did. */
import { AppError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { defaultDatabaseName, type StoreSettings } from './backends.ts';
import { checkDatabaseKey, isSegment } from './checks.ts';
import { detectors } from './choice.ts';
import { processEnvironment } from './process.ts';
import type { VariableName } from './variables.ts';

type WithoutName<S> = S extends unknown ? Omit<S, 'name'> : never;

/** Where a database is to live, without its name. */
export type StoreChoice = WithoutName<Exclude<StoreSettings, { backend: 'custom' }>>;

/** By variable; undefined leaves it to the environment, null unsets it. */
export type GivenVariables = { readonly [name in VariableName]?: string | null | undefined };

/** @throws AppError `invalid` with one field for each variable that is wrong or missing */
export function chooseStore(
  backend: 's3' | 'gcs' | 'blob',
  given: GivenVariables,
  environment = processEnvironment(),
): StoreChoice {
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  const values = Object.fromEntries(named.map(([name, value]) => [name, value ?? undefined]));
  const found = detectors[backend]({ ...environment, ...values });
  const settings = found.state === 'ready' ? found.settings : null;
  if (settings && settings.backend !== 'postgres' && settings.backend !== 'custom') return settings;
  throw new AppError('invalid', `The store cannot be used: ${found.reason}.`, {
    ...('problems' in found ? { fields: found.problems } : {}),
    hint: 'Set each variable as an option of the store or in the environment.',
  });
}

/** @throws AppError `invalid` when the store is none, or the name is none for this store */
export function nameDatabase(store: StoreChoice | Store, name: string = defaultDatabaseName): StoreSettings {
  if (typeof store !== 'object' || store === null || !('backend' in store || 'list' in store)) {
    throw new AppError('invalid', 'The option store is no store.', {
      hint: "Give s3(…), gcs(…), blob(…) or directory(…) of 'eider/stores/…', or a Store of your own.",
    });
  }
  const isFile = 'backend' in store && 'directory' in store;
  const checked = isFile && !isSegment(name) ? { problem: 'must be the name of a file' } : checkDatabaseKey(name);
  if ('problem' in checked) throw new AppError('invalid', `The database's name ${checked.problem}.`);
  return 'backend' in store ? { ...store, name } : { backend: 'custom', store, name };
}
