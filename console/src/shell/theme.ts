/** Light, dark, or what the system says: kept by the browser. */
import { createStore } from '../store.ts';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const item = 'eider.theme';

export const theme = createStore<Theme>(themes.find((each) => each === localStorage.getItem(item)) ?? 'system');

export function setTheme(next: Theme): void {
  localStorage.setItem(item, next);
  theme.set(next);
  showTheme();
}

/** Called once before the first paint. */
export function showTheme(): void {
  document.documentElement.dataset['theme'] = theme.get();
}
