/** How large the snapshots were that this browser has seen. The API tells of the newest alone, since older ones are dropped. */
import type { Status } from './status.ts';

export interface SeenSize {
  readonly version: number;
  /** ISO 8601 */
  readonly at: string;
  readonly bytes: number;
}

const mostSizes = 200;
const itemOf = (databaseId: string): string => `eider.sizes.${databaseId}`;

export function noteSize({ databaseId, checkpoint }: Status): void {
  if (!databaseId || !checkpoint || checkpoint.version === null || checkpoint.at === null || checkpoint.bytes === null)
    return;
  const { version, at, bytes } = checkpoint;
  const seen = sizesSeen(databaseId);
  if (seen.some((each) => each.version === version)) return;
  const sizes = [...seen, { version, at, bytes }].toSorted((a, b) => a.at.localeCompare(b.at));
  localStorage.setItem(itemOf(databaseId), JSON.stringify(sizes.slice(-mostSizes)));
}

/** Oldest first. */
export function sizesSeen(databaseId: string): readonly SeenSize[] {
  try {
    return JSON.parse(localStorage.getItem(itemOf(databaseId)) ?? '[]') as SeenSize[];
  } catch {
    return [];
  }
}
