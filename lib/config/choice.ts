/**
 * Which backend serves, which stand behind it, and the reason for each.
 *
 * Owns: priority, `DB_BACKEND`, and the words of db-status for each candidate. Knows nothing of single variables' formats.
 * The worst that can happen: see lib/config/config.ts.
 */
import type { FieldError } from '../errors.ts';
import type { BackendName, BackendSettings } from './backends.ts';
import { backendNames, describeBackend } from './backends.ts';
import { detectBlob, detectGcs, detectPostgres, detectS3 } from './clouds.ts';
import type { Detection } from './detection.ts';
import { detectLocal, detectMount } from './directories.ts';
import type { Environment } from './variables.ts';

/**
 * - `chosen`: serves.
 * - `fallback`: serves when the ones before it cannot be reached.
 * - `skipped`: configured, but not used.
 * - `incomplete`: begun, but a variable is missing.
 * - `invalid`: one of its variables is wrong.
 * - `not-configured`: nobody asked for it.
 */
export type CandidateState = 'chosen' | 'fallback' | 'skipped' | 'incomplete' | 'invalid' | 'not-configured';

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
  /** Why nothing is chosen. */
  readonly forbidding: readonly FieldError[];
  /** What is wrong with backends that would not be chosen anyway. */
  readonly harmless: readonly FieldError[];
}

const detectors: Readonly<Record<BackendName, (environment: Environment) => Detection>> = {
  postgres: detectPostgres,
  network: (environment) => detectMount(environment, 'network'),
  volume: (environment) => detectMount(environment, 'volume'),
  blob: detectBlob,
  s3: detectS3,
  gcs: detectGcs,
  local: detectLocal,
};

interface Found {
  readonly backend: BackendName;
  readonly detection: Detection;
}

/** `forced`: what `DB_BACKEND` names; `wrong` when it names nothing known, so that nothing may be chosen. */
export function choose(environment: Environment, forced: BackendName | 'wrong' | null): Choice {
  const found = backendNames.map((backend): Found => ({ backend, detection: detectors[backend](environment) }));
  const decisive = forced === 'wrong' ? null : findDecisive(found, forced);
  const serving = decisive?.detection.state === 'ready' ? servingOrder(found, decisive) : [];
  return {
    chosen: serving[0]?.settings ?? null,
    fallbacks: serving.slice(1).map((each) => each.settings),
    candidates: found.map((each) => judge(each, decisive, serving, forced)),
    forbidding: decisive === null ? [] : problemsOf(decisive, forced),
    harmless: found.filter((each) => each !== decisive).flatMap((each) => problemsOf(each, null)),
  };
}

/** The forced one; else the first that anyone began to configure. The local file always counts, so there is one. */
function findDecisive(found: readonly Found[], forced: BackendName | null): Found | null {
  const isDecisive = ({ backend, detection }: Found): boolean =>
    forced === null ? detection.state !== 'not-configured' : backend === forced;
  return found.find(isDecisive) ?? null;
}

interface Serving {
  readonly found: Found;
  readonly settings: BackendSettings;
}

/** The decisive one and what is ready behind it, without a second way to the same database. */
function servingOrder(found: readonly Found[], decisive: Found): readonly Serving[] {
  const serving: Serving[] = [];
  for (const each of found.slice(found.indexOf(decisive))) {
    if (each.detection.state !== 'ready') continue;
    const { settings } = each.detection;
    if (!serving.some((earlier) => isSamePlace(earlier.settings, settings))) serving.push({ found: each, settings });
  }
  return serving;
}

function isSamePlace(a: BackendSettings, b: BackendSettings): boolean {
  return 'directory' in a && 'directory' in b && a.directory === b.directory && a.name === b.name;
}

function problemsOf({ backend, detection }: Found, forced: BackendName | 'wrong' | null): readonly FieldError[] {
  if ('problems' in detection) return detection.problems;
  if (detection.state === 'ready' || forced !== backend) return [];
  return [{ path: 'DB_BACKEND', message: `DB_BACKEND asks for ${backend}, but ${detection.reason}` }];
}

function judge(
  found: Found,
  decisive: Found | null,
  serving: readonly Serving[],
  forced: BackendName | 'wrong' | null,
): Candidate {
  const { backend, detection } = found;
  const says = (state: CandidateState, why = ''): Candidate => ({
    backend,
    state,
    reason: `${detection.reason}${why}.`,
  });
  if (detection.state !== 'ready') return says(detection.state);
  const place = serving.findIndex((each) => each.found === found);
  if (place === 0) return says('chosen', forced === backend ? ', and DB_BACKEND asks for it' : '');
  if (place > 0)
    return says('fallback', `; it takes the place of what comes before it while that is away${caveat(backend)}`);
  return says('skipped', whySkipped(decisive, forced));
}

function caveat(backend: BackendName): string {
  return describeBackend(backend).persistent ? '' : ', and what it holds may be lost with the machine';
}

function whySkipped(decisive: Found | null, forced: BackendName | 'wrong' | null): string {
  if (forced === 'wrong') return ', but DB_BACKEND is wrong';
  if (decisive?.detection.state !== 'ready')
    return `, but ${decisive?.backend} comes first and cannot be used as it is`;
  return forced === null ? ', but it is the same place as one before it' : `, but DB_BACKEND asks for ${forced}`;
}
