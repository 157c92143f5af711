import { Plus, X } from 'lucide-react';
import { useState } from 'react';
import { href, navigate } from '../../route.ts';
import { IconButton } from '../../ui/button.tsx';
import { forget } from './run.ts';
import { addTab, changeTab, closeTab, type SqlTab, tabs } from './tabs.ts';

interface TabBarProps {
  readonly all: readonly SqlTab[];
  readonly current: SqlTab;
}

/** A double click, or F2, renames. */
export function TabBar({ all, current }: TabBarProps) {
  const [renamed, setRenamed] = useState<string | null>(null);
  const close = (id: string): void => {
    closeTab(id);
    forget(id);
    if (id === current.id) navigate(href('sql', tabs.get().at(-1)?.id ?? null), { replace: true });
  };
  return (
    <nav className="sql-tabs" aria-label="Tabs">
      <ul>
        {all.map((tab) => (
          <li key={tab.id}>
            {renamed === tab.id ? (
              <TitleField tab={tab} onDone={() => setRenamed(null)} />
            ) : (
              <a
                href={href('sql', tab.id)}
                aria-current={tab.id === current.id ? 'page' : undefined}
                onDoubleClick={() => setRenamed(tab.id)}
                onKeyDown={(event) => event.key === 'F2' && setRenamed(tab.id)}
              >
                {tab.title}
              </a>
            )}
            <IconButton label={`Close ${tab.title}`} icon={<X aria-hidden />} onClick={() => close(tab.id)} />
          </li>
        ))}
      </ul>
      <IconButton label="New tab (Alt+T)" icon={<Plus aria-hidden />} onClick={openNew} />
    </nav>
  );
}

export function openNew(): void {
  navigate(href('sql', addTab().id));
}

function TitleField({ tab, onDone }: { tab: SqlTab; onDone: () => void }) {
  const commit = (title: string): void => {
    if (title.trim() !== '') changeTab(tab.id, { title: title.trim() });
    onDone();
  };
  return (
    <input
      className="input narrow"
      aria-label="Name of the tab"
      defaultValue={tab.title}
      ref={(field) => field?.select()}
      onBlur={(event) => commit(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit(event.currentTarget.value);
        if (event.key === 'Escape') onDone();
      }}
    />
  );
}
