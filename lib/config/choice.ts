import type { FieldError } from '../errors.ts';
import {
  type BackendName,
  backendNames,
  type BackendSettings,
  type ConfigurableBackend,
  describeBackend,
} from './backends.ts';
import { detectBlob, detectGcs, detectLocal, detectMount, detectPostgres, detectS3 } from './detectors.ts';
import type { Detection, Environment } from './variables.ts';

/**
 * - `chosen`: serves.
 * - `fallback`: serves when the ones before it cannot be reached.
 * - `skipped`: configured, but not used.
 * - `incomplete`, `invalid`, `not-configured`: as found.
 */
export type CandidateState = 'chosen' | 'fallback' | 'skipped' | Exclude<Detection['state'], 'ready'>;

export interface Candidate {
  readonly backend: BackendName;
  readonly state: CandidateState;
  /** A sentence that names variables, never values. */
  readonly reason: string;
}

export interface Choice {
  readonly chosen: BackendSettings | null;
  readonly fallbacks: readonly BackendSettings[];
  readonly candidates: readonly Candidate[];
  readonly forbidding: readonly FieldError[];
  /** What is wrong with backends that would not be chosen anyway. */
  readonly harmless: readonly FieldError[];
}

export const detectors: Readonly<Record<ConfigurableBackend, (environment: Environment) => Detection>> = {
  postgres: detectPostgres,
  network: (environment) => detectMount(environment, 'network'),
  volume: (environment) => detectMount(environment, 'volume'),
  blob: detectBlob,
  s3: detectS3,
  gcs: detectGcs,
  local: detectLocal,
};

type FoundBackend = Detection & { readonly backend: ConfigurableBackend };
type Ready = Extract<FoundBackend, { state: 'ready' }>;
/** What `DB_BACKEND` names; `wrong` when it names nothing known, so that nothing may be chosen. */
type Forced = ConfigurableBackend | 'wrong' | null;

/** What the program chose itself; nothing takes its place. */
export function chosenByProgram(chosen: BackendSettings): Choice {
  const candidates: Candidate[] = [{ backend: chosen.backend, state: 'chosen', reason: 'The program names it.' }];
  return { chosen, fallbacks: [], candidates, forbidding: [], harmless: [] };
}

export function choose(environment: Environment, forced: Forced): Choice {
  const found = backendNames.map((backend): FoundBackend => ({ backend, ...detectors[backend](environment) }));
  // The forced one; else the first that anyone began to configure. The local file always counts, so there is one.
  const decisive = found.find(({ backend, state }) =>
    forced === null ? state !== 'not-configured' : backend === forced,
  );
  const serving = decisive?.state === 'ready' ? servingOrder(found.slice(found.indexOf(decisive))) : [];
  const [chosen = null, ...fallbacks] = serving.map(({ settings }) => settings);
  return {
    chosen,
    fallbacks,
    candidates: found.map((each) => judge(each, decisive, serving, forced)),
    forbidding: decisive ? problemsOf(decisive, forced) : [],
    harmless: found.filter((each) => each !== decisive).flatMap((each) => problemsOf(each, null)),
  };
}

/** Those that are ready, without a second way to the same database. */
function servingOrder(found: readonly FoundBackend[]): readonly Ready[] {
  const ready = found.filter((each): each is Ready => each.state === 'ready');
  return ready.filter((each, index) => !ready.slice(0, index).some((earlier) => isSamePlace(earlier, each)));
}

function isSamePlace({ settings: a }: Ready, { settings: b }: Ready): boolean {
  return 'directory' in a && 'directory' in b && a.directory === b.directory && a.name === b.name;
}

function problemsOf(found: FoundBackend, forced: Forced): readonly FieldError[] {
  if ('problems' in found) return found.problems;
  const { backend, state, reason } = found;
  if (state === 'ready' || forced !== backend) return [];
  return [{ path: 'DB_BACKEND', message: `DB_BACKEND asks for ${backend}, but ${reason}` }];
}

function judge(
  found: FoundBackend,
  decisive: FoundBackend | undefined,
  serving: readonly Ready[],
  forced: Forced,
): Candidate {
  const { backend, state, reason } = found;
  const says = (verdict: CandidateState, why = ''): Candidate => ({
    backend,
    state: verdict,
    reason: `${reason}${why}.`,
  });
  if (state !== 'ready') return says(state);
  const position = serving.indexOf(found);
  if (position === 0) return says('chosen', forced === backend ? ', and DB_BACKEND asks for it' : '');
  if (position < 0) return says('skipped', whySkipped(decisive, forced));
  const caveat = describeBackend(backend).persistent ? '' : ', and what it holds may be lost with the machine';
  return says('fallback', `; it serves while the backends before it are away${caveat}`);
}

function whySkipped(decisive: FoundBackend | undefined, forced: Forced): string {
  if (forced === 'wrong') return ', but DB_BACKEND is wrong';
  if (decisive?.state !== 'ready') return `, but ${decisive?.backend} comes first and cannot be used as it is`;
  return forced === null ? ', but it is the same place as one before it' : `, but DB_BACKEND asks for ${forced}`;
}
