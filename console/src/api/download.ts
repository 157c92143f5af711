/** Files to keep: fetched with the token, which an address must not have in it. */
import { send } from './client.ts';

/** @throws ApiError */
export async function download(path: string, name: string, init: RequestInit = {}): Promise<void> {
  const response = await send(path, init);
  saveFile(name, await response.blob());
}

export function saveFile(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  const link = Object.assign(document.createElement('a'), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
