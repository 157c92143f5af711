import { useState } from 'react';
import { useStore } from '../store.ts';
import { Dialog } from '../ui/dialog.tsx';
import { keyLabel, setSingleKeys, singleKeys, useKeys } from './keys.ts';

const groups: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    'Everywhere',
    [
      ['Mod+K', 'Go to a page, a table or an action'],
      ['Mod+S', 'Save what is staged'],
      ['Mod+Enter', 'Run'],
      ['Esc', 'Back'],
      ['g, then o t s h d u', 'Overview, tables, SQL, history, schema, set-up'],
      ['/', 'Filter'],
      ['?', 'This list'],
    ],
  ],
  [
    'Grid',
    [
      ['Arrows, PgUp, PgDn, Home, End', 'Move; with Mod to the edge, with Shift extend'],
      ['Enter or F2', 'Edit; typing replaces'],
      ['Enter, Tab, Esc', 'In a cell: commit and go down, commit and go right, leave'],
      ['Mod+C, Mod+V', 'Copy as TSV, paste into staged cells'],
      ['Mod+Backspace', 'NULL'],
      ['Mod+Z', 'Undo'],
      ['Space', 'Peek at the row'],
      ['Alt+Enter', 'Follow the reference'],
      ['Mod+I, Mod+D, Delete', 'New row, duplicate, mark for deletion'],
      ['Shift+F10, Alt+↓', 'Menu of the cell, of the column'],
    ],
  ],
  [
    'SQL',
    [
      ['Mod+Enter', 'Run the statement at the cursor, or the selection'],
      ['Mod+Shift+Enter', 'Run all'],
      ['Mod+.', 'Cancel'],
      ['Mod+/', 'Comment'],
      ['Alt+T, Alt+1 … 9', 'New tab, go to a tab'],
      ['Alt+P', 'Pin the result'],
    ],
  ],
];

/** `?` opens it. */
export function Shortcuts() {
  const [isOpen, setOpen] = useState(false);
  const isOn = useStore(singleKeys);
  useKeys({ '?': () => setOpen(true) });
  return (
    <Dialog title="Keys" isOpen={isOpen} onClose={() => setOpen(false)}>
      {groups.map(([title, keys]) => (
        <section key={title}>
          <h3>{title}</h3>
          <table>
            <tbody>
              {keys.map(([key, what]) => (
                <tr key={key}>
                  <td>
                    <kbd>{keyLabel(key)}</kbd>
                  </td>
                  <td>{what}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
      <label className="check">
        <input type="checkbox" checked={isOn} onChange={(event) => setSingleKeys(event.target.checked)} />
        Keys of a single letter (g, /, ?)
      </label>
    </Dialog>
  );
}
