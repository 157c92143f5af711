/** A file on its way into a table: in one request, or in parts. */
import { send, sendJson } from '../../api/client.ts';

export const formats = ['csv', 'jsonl', 'parquet'] as const;
export type Format = (typeof formats)[number];

/** Of one request: a little less than the server takes. */
const mostBytes = 4_300_000;

export interface ImportTarget {
  readonly table: string;
  readonly format: Format;
  /** The table is made for the file. */
  readonly create: boolean;
  /** Columns of a key: rows that are there are changed. */
  readonly onConflict: string;
}

export interface Foreseen {
  readonly rows: number;
  readonly wrong: number;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly sample: readonly Readonly<Record<string, unknown>>[];
  readonly errors: readonly { readonly path: string; readonly message: string }[];
  /** The statement that makes the table. */
  readonly create?: string;
}

export function formatOf(name: string): Format {
  const ending = name.split('.').at(-1)?.toLowerCase();
  if (ending === 'parquet') return 'parquet';
  return ending === 'jsonl' || ending === 'ndjson' || ending === 'json' ? 'jsonl' : 'csv';
}

/** `Orders 2026.csv` is for a table `orders_2026`. */
export function tableNameOf(name: string): string {
  const base = name.replace(/\.[^.]*$/, '').toLowerCase();
  return base.replaceAll(/[^\p{L}\p{N}]+/gu, '_').replaceAll(/^_+|_+$/g, '') || 'imported';
}

/**
 * The file, sent once where it is large: what is looked at first is then imported without being sent again.
 */
export class ImportFile {
  readonly #file: File;
  #upload: { readonly id: string; readonly of: string } | null = null;

  constructor(file: File) {
    this.#file = file;
  }

  /** What would come of it. @param onProgress from 0 to 1, of what is sent */
  async foresee(target: ImportTarget, onProgress: (part: number) => void, signal: AbortSignal): Promise<Foreseen> {
    return (await this.#run(target, true, onProgress, signal)) as Foreseen;
  }

  async run(target: ImportTarget, onProgress: (part: number) => void, signal: AbortSignal): Promise<void> {
    await this.#run(target, false, onProgress, signal);
  }

  async #run(
    target: ImportTarget,
    isDry: boolean,
    onProgress: (part: number) => void,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { table, format, create, onConflict } = target;
    const options = {
      ...(create ? { create: 'true' } : {}),
      ...(onConflict === '' ? {} : { on_conflict: onConflict }),
      ...(isDry ? { 'dry-run': 'true' } : {}),
    };
    if (this.#file.size <= mostBytes) {
      const query = new URLSearchParams({ table, format, ...options });
      return sendJson(`import?${query}`, {
        method: 'POST',
        body: this.#file,
        headers: { 'content-type': 'application/octet-stream' },
        signal,
      });
    }
    const upload = await this.#send(target, onProgress, signal);
    return sendJson(`import?${new URLSearchParams({ upload, ...options })}`, { method: 'POST', signal });
  }

  async #send(
    { table, format, create }: ImportTarget,
    onProgress: (part: number) => void,
    signal: AbortSignal,
  ): Promise<string> {
    const query = { table, format, ...(create ? { create: 'true' } : {}) };
    const of = JSON.stringify(query);
    if (this.#upload?.of === of) return this.#upload.id;
    const { upload, partBytes } = await sendJson<{ upload: string; partBytes: number }>(
      `import?${new URLSearchParams({ ...query, upload: 'begin' })}`,
      { method: 'POST', signal },
    );
    const count = Math.ceil(this.#file.size / partBytes);
    for (let part = 1; part <= count; part++) {
      const body = this.#file.slice((part - 1) * partBytes, part * partBytes);
      const headers = { 'content-type': 'application/octet-stream' };
      await send(`import?${new URLSearchParams({ upload, part: String(part) })}`, {
        method: 'PUT',
        body,
        headers,
        signal,
      });
      onProgress(part / count);
    }
    this.#upload = { id: upload, of };
    return upload;
  }
}
