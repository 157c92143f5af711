/** Shortcuts. Those of single letters can be switched off: https://www.w3.org/TR/WCAG22/#character-key-shortcuts */
import { useEffect, useEffectEvent } from 'react';
import { createStore } from '../store.ts';

export const isApple = /Mac|iPhone|iPad/.test(navigator.platform);

/** @example keyLabel('Mod+S') // 'Ctrl+S', '⌘S' */
export function keyLabel(keys: string): string {
  return isApple ? keys.replace('Mod+', '⌘').replace('Shift+', '⇧').replace('Alt+', '⌥') : keys.replace('Mod', 'Ctrl');
}

const item = 'eider.single-keys';
export const singleKeys = createStore(localStorage.getItem(item) !== 'off');

export function setSingleKeys(on: boolean): void {
  localStorage.setItem(item, on ? 'on' : 'off');
  singleKeys.set(on);
}

/** `Mod+Shift+K`, `Alt+1`, `Escape`, `/`. */
export function matches(event: KeyboardEvent | React.KeyboardEvent, keys: string): boolean {
  const parts = keys.split('+');
  const key = parts.pop() || '+';
  const has = (name: string): boolean => parts.includes(name);
  const mod = isApple ? event.metaKey : event.ctrlKey;
  const other = isApple ? event.ctrlKey : event.metaKey;
  const isShifted = has('Shift') === event.shiftKey || (parts.length === 0 && key.length === 1);
  return (
    (event.key.toLowerCase() === key.toLowerCase() || (event.altKey && event.code === codeOf(key))) &&
    has('Mod') === mod &&
    !other &&
    has('Alt') === event.altKey &&
    isShifted
  );
}

/** With Option, a Mac types other characters: ⌥P is π. */
function codeOf(key: string): string {
  return /^\d$/.test(key) ? `Digit${key}` : `Key${key.toUpperCase()}`;
}

export type Bindings = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/**
 * While the component is there. Keys of one letter only where nobody types, and `g x` are two presses.
 *
 * @example useKeys({ 'Mod+S': save, '/': openFilter })
 */
export function useKeys(bindings: Bindings): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented) return;
    for (const [keys, run] of Object.entries(bindings)) {
      if (!matches(event, keys) || (isSingle(keys) && (!singleKeys.get() || isTypedInto(event.target)))) continue;
      event.preventDefault();
      run(event);
      return;
    }
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => onKey(event);
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
}

const isSingle = (keys: string): boolean => keys.length === 1;

/** A field, a grid, an editor, or a dialog over the page. */
function isTypedInto(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('input, textarea, select, [contenteditable], [role=grid], [role=dialog], [data-editor]') !== null
  );
}
