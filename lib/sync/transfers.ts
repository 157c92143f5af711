/** The progress of large uploads and downloads, for db-status and db-sync. Nothing depends on it. */
export interface Transfer {
  readonly direction: 'upload' | 'download';
  readonly key: string;
  /** So far; of `totalBytes`. A part that is sent again counts again, up to the total. */
  readonly bytes: number;
  readonly totalBytes: number;
}

export class Transfers {
  readonly #underWay = new Set<{ -readonly [name in keyof Transfer]: Transfer[name] }>();

  /** Those under way, oldest first. */
  list(): readonly Transfer[] {
    return [...this.#underWay].map((transfer) => ({ ...transfer }));
  }

  /** Runs `work`, which reports each piece that it has moved. */
  async follow<T>(transfer: Omit<Transfer, 'bytes'>, work: (moved: (bytes: number) => void) => Promise<T>): Promise<T> {
    const entry = { ...transfer, bytes: 0 };
    this.#underWay.add(entry);
    try {
      return await work((bytes) => (entry.bytes = Math.min(entry.totalBytes, entry.bytes + bytes)));
    } finally {
      this.#underWay.delete(entry);
    }
  }
}
