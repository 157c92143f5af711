import { constants } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError, isAppError } from '../../errors.ts';
import { makeOwnFolder, requireOwnFolder } from '../../folders.ts';
import type { Runtime } from '../../runtime.ts';

interface OutageState {
  /** The backend does not answer (`away`), refuses this server (`refused`), or is back. */
  readonly kind: 'away' | 'refused' | 'back';
  readonly sinceMs: number;
  readonly reason: string;
  readonly detail: string;
  readonly failures: number;
  readonly nextLookMs: number;
}

/** A line for the log. */
export interface Notice {
  readonly level: 'error' | 'warning';
  readonly message: string;
  readonly error?: unknown;
  /** It is the end of an outage. */
  readonly isEnd?: true;
}

/** Shares an outage between the processes of one machine, so that only one of them waits to find it. */
export interface OutageMemory {
  load(): Promise<OutageState | null>;
  save(state: OutageState): Promise<void>;
  clear(): Promise<void>;
}

const firstRestMs = 5000;
const mostRestMs = 30_000;

export class Outage {
  readonly #runtime: Pick<Runtime, 'now'>;
  #state: OutageState;
  /** Of the last check; null when there was none. */
  error: unknown = null;

  constructor(
    runtime: Pick<Runtime, 'now'>,
    begin: { readonly error: unknown } | { readonly state: OutageState } | 'draining',
  ) {
    this.#runtime = runtime;
    const detail = 'Pending writes are being run on it; until then, reads show them as pending.';
    const draining = {
      kind: 'back',
      sinceMs: runtime.now(),
      reason: 'is back',
      detail,
      failures: 0,
      nextLookMs: 0,
    } as const;
    this.#state = begin !== 'draining' && 'state' in begin ? begin.state : draining;
    if (begin !== 'draining' && 'error' in begin) this.lookFailed(begin.error);
  }

  /** `reason` continues a sentence that begins with the backend; `detail` is for operators. */
  get state(): OutageState {
    return this.#state;
  }

  get untilLookMs(): number {
    return Math.max(0, this.#state.nextLookMs - this.#runtime.now());
  }

  /** A refusal needs a correction and is no outage: no writes are kept for it, and no fallback serves instead. */
  get isRefused(): boolean {
    return this.#state.kind === 'refused';
  }

  lookFailed(error: unknown): void {
    const { sinceMs, failures } = this.#state;
    this.error = error;
    const isAway = isAppError(error, 'unavailable', 'indeterminate');
    const nextLookMs = this.#runtime.now() + Math.min(mostRestMs, firstRestMs * 2 ** failures);
    this.#state = {
      kind: isAway ? 'away' : 'refused',
      sinceMs,
      reason: isAway ? 'cannot be reached' : 'refuses this server',
      detail: detailOf(error),
      failures: failures + 1,
      nextLookMs,
    };
  }
}

function detailOf(error: unknown): string {
  if (!(error instanceof AppError)) return 'It failed because of a defect of this server; its log says more.';
  return error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
}

/** `path` names the primary. Nothing here fails: everything works without the file. */
export function outageFile(path: string, runtime: Pick<Runtime, 'uuid'>): OutageMemory {
  return {
    load: () => readOutage(path).catch(() => null),
    save: (state) => writeOutage(path, `${path}.${runtime.uuid()}.part`, state).catch(() => undefined),
    clear: () => rm(path, { force: true }).catch(() => undefined),
  };
}

async function readOutage(path: string): Promise<OutageState | null> {
  await requireOwnFolder(dirname(path));
  const flag = constants.O_RDONLY | constants.O_NOFOLLOW;
  const state = JSON.parse(await readFile(path, { encoding: 'utf8', flag })) as OutageState;
  const numbers = [state.sinceMs, state.failures, state.nextLookMs];
  const texts = [state.reason, state.detail];
  if (state.kind !== 'away') return null;
  const isWhole = numbers.every((value) => Number.isFinite(value)) && texts.every((value) => typeof value === 'string');
  return isWhole ? state : null;
}

async function writeOutage(path: string, part: string, state: OutageState): Promise<void> {
  await makeOwnFolder(dirname(path));
  await writeFile(part, JSON.stringify(state), { mode: 0o600, flag: 'wx' });
  await rename(part, path);
}
