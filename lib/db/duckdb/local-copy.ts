/**
 * The state of a database in a file here, with Kysely on top: for reading while its store is away, and for trying out
 * writes that are kept elsewhere.
 */
import { AppError } from '../../errors.ts';
import type { Migration } from '../../catalog/migrations.ts';
import { Shapes } from '../../sync/shapes.ts';
import { type IdleReplicaOptions, openIdleReplica } from '../../sync/idle-replica.ts';
import { runWork } from '../../sync/batch.ts';
import type { LocalState, Overlay } from '../../sync/overlay.ts';
import type { Work } from '../database.ts';
import { Catalogs } from './catalogs.ts';
import { haveRun } from './migrate.ts';
import { onlyReadingScope, readingScope, writingScope } from './scope.ts';
import { onlyReadingQueries, readingQueries, runWriting } from './transaction.ts';

export interface LocalCopy {
  readonly databaseId: string | null;
  readonly version: number;
  /** Age in ms of the newest proof that it was the state of the database; null when unknown. */
  readonly ageMs: number | null;
  read<T>(work: Work<T>, signal?: AbortSignal): Promise<T>;
  openDraft(): Promise<Draft>;
}

/** Changes on top of a copy that only its own reads see, and that go when it ends. One user at a time. */
export interface Draft {
  /** False once it has ended, or a statement failed and took the changes with it. */
  readonly isSound: boolean;
  read<T>(work: Work<T>, signal?: AbortSignal): Promise<T>;
  /** If it fails after it changed something, the draft is no longer sound. */
  write<T>(work: Work<T>): Promise<T>;
  end(): Promise<void>;
}

export interface IdleCopy extends LocalCopy {
  close(): Promise<void>;
}

export interface IdleCopyOptions extends IdleReplicaOptions {
  readonly migrations: readonly Migration[];
}

/** What an earlier process on this machine left of the database; null when there is nothing that can be used. */
export async function openIdleCopy({ migrations, ...options }: IdleCopyOptions): Promise<IdleCopy | null> {
  const state = await openIdleReplica(options);
  if (!state) return null;
  const isUpToDate = await state.read((session) => haveRun(session, migrations)).catch(() => false);
  if (isUpToDate) return withClose(copyOf(state, new Catalogs(options.runtime)), () => state.close());
  await state.close();
  return null;
}

function withClose(copy: LocalCopy, close: () => Promise<void>): IdleCopy {
  return {
    databaseId: copy.databaseId,
    version: copy.version,
    get ageMs() {
      return copy.ageMs;
    },
    read: (work, signal) => copy.read(work, signal),
    openDraft: () => copy.openDraft(),
    close,
  };
}

export function copyOf(state: LocalState, catalogs: Catalogs): LocalCopy {
  return {
    get databaseId() {
      return state.position.databaseId;
    },
    get version() {
      return state.position.version;
    },
    get ageMs() {
      return state.ageMs;
    },
    read: (work, signal) =>
      state.read(async (session, _version, definitions) => {
        return work(readingQueries(session), await readingScope(session, definitions, catalogs));
      }, signal),
    openDraft: async () => new OverlayDraft(await state.openOverlay(), catalogs),
  };
}

class OverlayDraft implements Draft {
  readonly #overlay: Overlay;
  readonly #catalogs: Catalogs;
  #shapes: Shapes | null = null;

  constructor(overlay: Overlay, catalogs: Catalogs) {
    this.#overlay = overlay;
    this.#catalogs = catalogs;
  }

  get isSound(): boolean {
    return this.#overlay.isSound;
  }

  read<T>(work: Work<T>, signal?: AbortSignal): Promise<T> {
    const { definitions } = this.#overlay;
    const spoil = (): void => this.#overlay.spoil();
    return this.#overlay.use(async (session) => {
      const scope = await onlyReadingScope(session, definitions, this.#catalogs, spoil);
      return work(onlyReadingQueries(session, spoil), scope);
    }, signal);
  }

  write<T>(work: Work<T>): Promise<T> {
    return this.#overlay.use(async (session) => {
      const shapes = (this.#shapes ??= new Shapes(session));
      const catalogs = this.#catalogs;
      const { result, dirty } = await runWork(
        (transaction) =>
          runWriting({ transaction, shapes, catalogs }, async ({ queries, run }) =>
            work(queries, await writingScope(transaction, { catalogs, run })),
          ),
        session,
        { definitions: this.#overlay.definitions },
      );
      if (result.ok) return result.value;
      if (dirty) this.#overlay.spoil();
      throw isWriteConflict(result.error) ? underWay(result.error) : result.error;
    });
  }

  end(): Promise<void> {
    return this.#overlay.end();
  }
}

/** An abandoned transaction on the replica has changed the row and has not ended yet. */
function isWriteConflict(error: unknown): boolean {
  return error instanceof Error && /^(?:Error: )?TransactionContext Error: .*conflict/i.test(error.message);
}

function underWay(cause: unknown): AppError {
  return new AppError('unavailable', 'An earlier write to the same row is still under way.', {
    cause,
    retryAfterMs: 2000,
  });
}
