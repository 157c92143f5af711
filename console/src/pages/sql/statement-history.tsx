import { useEffect, useState } from 'react';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { formatAge } from '../../ui/format.ts';
import { Empty } from '../../ui/states.tsx';
import { clearHistory, type HistoryEntry, loadHistory } from './storage.ts';

interface StatementHistoryProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onChoose: (text: string) => void;
}

/** What was run in this browser, newest first. Choosing one opens it in a new tab: nothing that is written is lost. */
export function StatementHistory({ isOpen, onClose, onChoose }: StatementHistoryProps) {
  const [entries, setEntries] = useState<readonly HistoryEntry[]>([]);
  const [sought, setSought] = useState('');
  useEffect(() => {
    if (isOpen) void loadHistory().then(setEntries, () => setEntries([]));
  }, [isOpen]);
  const found = entries.filter(({ text }) => text.toLowerCase().includes(sought.toLowerCase()));
  const clear = (): void => void clearHistory().then(() => setEntries([]));
  return (
    <Dialog title="History of this browser" isOpen={isOpen} onClose={onClose} isWide>
      <div className="row">
        <input
          className="input grow"
          type="search"
          aria-label="Search the history"
          placeholder="Search"
          value={sought}
          onChange={(event) => setSought(event.target.value)}
        />
        <Button disabled={entries.length === 0} onClick={clear}>
          Forget all
        </Button>
      </div>
      {found.length === 0 ? <Empty title={entries.length === 0 ? 'Nothing has run yet' : 'Nothing found'} /> : null}
      <ul className="sql-history">
        {found.map((entry) => (
          <li key={entry.id}>
            <button type="button" onClick={() => onChoose(entry.text)}>
              <code>{entry.text}</code>
              <small className={entry.isFailed ? 'bad' : 'muted'}>
                {formatAge(entry.at)} · {entry.outcome}
              </small>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
