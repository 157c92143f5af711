import { useEffect, useMemo, useRef, useState } from 'react';
import { useCatalog } from '../../api/catalog.ts';
import { href, navigate, useRoute } from '../../route.ts';
import { useKeys } from '../../shell/keys.ts';
import { useStore } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { Loading } from '../../ui/states.tsx';
import { tell } from '../../ui/toast.tsx';
import { Confirm } from './confirm.tsx';
import type { Fault } from './editor-setup.ts';
import { Editor, type EditorHandle } from './editor.tsx';
import { Results } from './results.tsx';
import { type Outcome, outcomes, runPieces, type RunOptions, running, stop } from './run.ts';
import { StatementHistory } from './statement-history.tsx';
import { dangerOf, firstRows, type Piece, placeOfError } from './statements.ts';
import './sql.css';
import { openNew, TabBar } from './tab-bar.tsx';
import { addTab, changeTab, openTabs, type SqlTab, tabs, useTabLock } from './tabs.ts';
import { Toolbar } from './toolbar.tsx';

export default function SqlPage() {
  const { rest, query } = useRoute();
  const all = useStore(tabs);
  const given = query.get('text');
  const current = all.find(({ id }) => id === rest) ?? all.at(-1);
  useEffect(() => {
    // Another page hands over a statement; nothing runs by itself.
    void openFor(given);
  }, [given]);
  useEffect(() => {
    if (current && rest !== current.id && given === null) navigate(href('sql', current.id), { replace: true });
  }, [current, rest, given]);
  if (!current) return <Loading label="Loading the tabs" />;
  return (
    <div className="page-full sql-page">
      <h1 className="hidden-visually">SQL</h1>
      <TabBar all={all} current={current} />
      <Workplace tab={current} />
    </div>
  );
}

async function openFor(given: string | null): Promise<void> {
  await openTabs();
  if (given !== null) navigate(href('sql', addTab(given).id), { replace: true });
}

function Workplace({ tab }: { tab: SqlTab }) {
  const { data: catalog } = useCatalog();
  const editor = useRef<EditorHandle>(null);
  const [isHistoryOpen, setHistoryOpen] = useState(false);
  const lock = useTabLock(tab.id);
  const shown = useOutcomes(tab.id);
  const faults = useMemo(() => shown.flatMap(faultsOf), [shown]);
  const { asked, isRunning, start, ask, answer } = useRuns(tab.id);
  const run = (): void => ask(editor.current?.chosen());
  const runAll = (): void => ask(editor.current?.all());
  const end = (): void => stop(tab.id);
  usePageKeys({ run, runAll, end });
  const open = (text: string): void => {
    setHistoryOpen(false);
    navigate(href('sql', addTab(text).id));
  };
  return (
    <>
      <Toolbar
        tabId={tab.id}
        isRunning={isRunning}
        {...{ onRun: run, onRunAll: runAll, onStop: end }}
        onExplain={(way) => start(editor.current?.chosen().slice(0, 1) ?? [], { way })}
        onHistory={() => setHistoryOpen(true)}
        rights={catalog?.may}
      />
      {lock.isElsewhere ? <Elsewhere onTake={lock.takeOver} onCopy={() => open(tab.text)} /> : null}
      <div className="sql-upper">
        <Editor
          {...{ ref: editor, catalog, faults, tabId: tab.id, text: tab.text, onRun: run, onRunAll: runAll }}
          isReadOnly={lock.isElsewhere}
          onChange={(text) => changeTab(tab.id, { text })}
        />
      </div>
      <div className="sql-lower">
        <Results
          key={tab.id}
          outcomes={shown}
          onShow={(outcome) => editor.current?.showPlace(faultsOf(outcome)[0]?.from ?? outcome.piece.from)}
          onFirstRows={({ piece }) => start([piece], firstThousand(piece))}
        />
      </div>
      <Confirm pieces={asked} onClose={() => answer(false)} onRun={() => answer(true)} />
      <StatementHistory isOpen={isHistoryOpen} onClose={() => setHistoryOpen(false)} onChoose={open} />
    </>
  );
}

function firstThousand({ text }: Piece): RunOptions {
  return { sent: firstRows(text, 1000), note: 'the first 1,000 rows at most' };
}

/** Asks first where something could be lost. */
function useRuns(tabId: string) {
  const [asked, setAsked] = useState<readonly Piece[]>([]);
  const start = (pieces: readonly Piece[], options?: RunOptions): void => void runPieces(tabId, pieces, options);
  const ask = (pieces: readonly Piece[] = []): void => {
    if (pieces.length === 0) tell('There is no statement to run.');
    else if (pieces.some(({ text }) => dangerOf(text) !== null)) setAsked(pieces);
    else start(pieces);
  };
  const answer = (isYes: boolean): void => {
    if (isYes) start(asked);
    setAsked([]);
  };
  return { asked, isRunning: useStore(running).has(tabId), start, ask, answer };
}

function Elsewhere({ onTake, onCopy }: { onTake: () => void; onCopy: () => void }) {
  return (
    <div className="banner degraded" role="status">
      <p className="grow">Another window writes in this tab.</p>
      <Button onClick={onTake}>Write here</Button>
      <Button onClick={onCopy}>Copy it into a new tab</Button>
    </div>
  );
}

function useOutcomes(tabId: string): readonly Outcome[] {
  const all = useStore(outcomes);
  return useMemo(() => all.filter((outcome) => outcome.tabId === tabId), [all, tabId]);
}

function faultsOf({ state, piece }: Outcome): Fault[] {
  if (state.kind !== 'failed') return [];
  const { message } = state.error as Error;
  const { from, to } = placeOfError(message, piece.text);
  return [{ from: piece.from + from, to: piece.from + to, message }];
}

interface PageKeys {
  readonly run: () => void;
  readonly runAll: () => void;
  readonly end: () => void;
}

function usePageKeys({ run, runAll, end }: PageKeys): void {
  const lastEscape = useRef(0);
  const numbered = Object.fromEntries(
    Array.from({ length: 9 }, (_, index) => [
      `Alt+${index + 1}`,
      () => {
        const tab = tabs.get()[index];
        if (tab) navigate(href('sql', tab.id));
      },
    ]),
  );
  useKeys({
    'Mod+Shift+Enter': runAll,
    'Mod+Enter': run,
    'Mod+.': end,
    'Alt+T': openNew,
    Escape: ({ timeStamp }) => {
      if (timeStamp - lastEscape.current < 700) end();
      lastEscape.current = timeStamp;
    },
    ...numbered,
  });
}
