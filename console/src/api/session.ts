/** The token, for as long as the browser's session lasts, and whether somebody has to give another one. */
import { createStore } from '../store.ts';

const item = 'eider.token';

export interface SignIn {
  /** Why it is asked for, in the server's words. */
  readonly reason: string;
}

/** Not null while the dialog should be open. */
export const signInWanted = createStore<SignIn | null>(null);
export const token = createStore<string | null>(sessionStorage.getItem(item));

let waiting: PromiseWithResolvers<boolean> | null = null;

/** Opens the dialog, once for all who ask; resolves when there is a token to try, or with false when people gave up. */
export function askForToken(reason: string): Promise<boolean> {
  waiting ??= Promise.withResolvers<boolean>();
  signInWanted.set({ reason });
  return waiting.promise;
}

/** @param given null: nobody signs in now */
export function giveToken(given: string | null): void {
  if (given !== null) {
    sessionStorage.setItem(item, given);
    token.set(given);
  }
  signInWanted.set(null);
  waiting?.resolve(given !== null);
  waiting = null;
}

export function signOut(): void {
  sessionStorage.removeItem(item);
  token.set(null);
}
