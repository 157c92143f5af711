import { ChevronDown, History, Play, Square } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Catalog } from '../../api/catalog.ts';
import { keyLabel } from '../../shell/keys.ts';
import { useStore } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { formatDuration } from '../../ui/format.ts';
import { Menu } from '../../ui/menu.tsx';
import { outcomes } from './run.ts';

interface ToolbarProps {
  readonly tabId: string;
  readonly isRunning: boolean;
  readonly onRun: () => void;
  readonly onRunAll: () => void;
  readonly onStop: () => void;
  readonly onExplain: (way: 'plan' | 'analyze') => void;
  readonly onHistory: () => void;
  readonly rights: Catalog['may'] | undefined;
}

export function Toolbar({ tabId, isRunning, onRun, onRunAll, onStop, onExplain, onHistory, rights }: ToolbarProps) {
  return (
    <div className="row sql-toolbar">
      <Button
        look="primary"
        disabled={isRunning}
        icon={<Play aria-hidden />}
        title={`The statement at the cursor, or the selection (${keyLabel('Mod+Enter')})`}
        onClick={onRun}
      >
        Run
      </Button>
      <Button disabled={isRunning} title={keyLabel('Mod+Shift+Enter')} onClick={onRunAll}>
        Run all
      </Button>
      <Menu
        trigger={
          <Button disabled={isRunning} icon={<ChevronDown aria-hidden />}>
            Explain
          </Button>
        }
        entries={[
          { label: 'The plan', onSelect: () => onExplain('plan') },
          { label: 'Run it and measure', onSelect: () => onExplain('analyze') },
        ]}
      />
      <span className="grow muted">{rights && limitOf(rights)}</span>
      {isRunning ? <StopButton tabId={tabId} onStop={onStop} /> : null}
      <Button icon={<History aria-hidden />} onClick={onHistory}>
        History
      </Button>
    </div>
  );
}

function limitOf({ writeRows, define }: Catalog['may']): string {
  if (!writeRows) return 'Your token reads: SELECT alone.';
  return define ? '' : 'Your token writes rows, and no definitions.';
}

/** With the time that it takes. */
function StopButton({ tabId, onStop }: { tabId: string; onStop: () => void }) {
  const [nowMs, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 100);
    return () => clearInterval(timer);
  }, []);
  const began = useStore(outcomes).find((outcome) => outcome.tabId === tabId && outcome.state.kind === 'running');
  return (
    <Button icon={<Square aria-hidden />} title={keyLabel('Mod+.')} onClick={onStop}>
      Cancel <span className="mono">{formatDuration(Math.max(0, nowMs - (began?.startedMs ?? nowMs)))}</span>
    </Button>
  );
}
