import { Download, Pin, PinOff, X } from 'lucide-react';
import { type ReactNode, useMemo, useState } from 'react';
import { ApiError } from '../../api/client.ts';
import { kindOfOid, type SqlResult } from '../../api/sql.ts';
import { Grid } from '../../grid/grid.tsx';
import type { GridContent } from '../../grid/model.ts';
import { useKeys } from '../../shell/keys.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Menu } from '../../ui/menu.tsx';
import { Empty, Failure, Loading } from '../../ui/states.tsx';
import { tell } from '../../ui/toast.tsx';
import { ChartView } from './chart-view.tsx';
import { Plan } from './plan.tsx';
import { discard, type Outcome, pin, wordsOf } from './run.ts';
import { saveCsv, saveJson, saveParquet } from './saving.ts';
import { inTab, kindOfText, type Piece } from './statements.ts';

interface ResultsProps {
  readonly outcomes: readonly Outcome[];
  readonly onShow: (outcome: Outcome) => void;
  readonly onFirstRows: (outcome: Outcome) => void;
}

/** One for each statement that ran; the newest is shown. */
export function Results({ outcomes, onShow, onFirstRows }: ResultsProps) {
  const newest = outcomes.at(-1);
  // Until something newer comes.
  const [chosen, setChosen] = useState<{ readonly id: number; readonly until: number } | null>(null);
  const shown = outcomes.find(({ id }) => id === chosen?.id && chosen.until === newest?.id) ?? newest;
  useKeys({ 'Alt+P': () => shown && pin(shown.id, !shown.isPinned) });
  if (!shown) {
    return (
      <Empty title="No result yet">
        <p>Write a statement and run it: what it answers stands here.</p>
      </Empty>
    );
  }
  return (
    <section className="sql-results" aria-label="Results">
      {outcomes.length > 1 ? (
        <ul className="sql-outcomes" aria-label="Results">
          {outcomes.map((outcome) => (
            <li key={outcome.id}>
              <button
                type="button"
                aria-current={outcome.id === shown.id}
                onClick={() => setChosen({ id: outcome.id, until: newest?.id ?? 0 })}
              >
                {outcome.isPinned ? <Pin aria-label="pinned" /> : null}
                <span>{shortened(outcome.piece.text)}</span>
                <small className={outcome.state.kind === 'failed' ? 'bad' : 'muted'}>{wordsOf(outcome.state)}</small>
              </button>
            </li>
          ))}
        </ul>
      ) : null}
      <OutcomeView key={shown.id} outcome={shown} onShow={onShow} onFirstRows={onFirstRows} />
    </section>
  );
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 40 ? `${line.slice(0, 39)}…` : line;
}

type View = 'grid' | 'chart';

type OutcomeViewProps = Omit<ResultsProps, 'outcomes'> & { readonly outcome: Outcome };

function OutcomeView({ outcome, onShow, onFirstRows }: OutcomeViewProps) {
  const [view, setView] = useState<View>('grid');
  const { state, note, isPinned, id } = outcome;
  const result = state.kind === 'done' && state.plan === undefined ? state.answer.value : null;
  return (
    <>
      <div className="row sql-summary">
        <p role="status" className="grow">
          {state.kind === 'running' ? 'Running' : wordsOf(state)}
          {note === undefined ? null : <span className="muted"> · {note}</span>}
        </p>
        {result && result.fields.length > 0 ? (
          <>
            <ViewSwitch view={view} onChange={setView} />
            <SaveMenu result={result} text={outcome.piece.text} />
          </>
        ) : null}
        <IconButton
          label={isPinned ? 'Unpin (Alt+P)' : 'Pin: keep it at the next run (Alt+P)'}
          aria-pressed={isPinned}
          icon={isPinned ? <PinOff aria-hidden /> : <Pin aria-hidden />}
          onClick={() => pin(id, !isPinned)}
        />
        <IconButton label="Close the result" icon={<X aria-hidden />} onClick={() => discard(id)} />
      </div>
      <Body outcome={outcome} view={view} onShow={onShow} onFirstRows={onFirstRows} />
    </>
  );
}

function Body({ outcome, view, onShow, onFirstRows }: OutcomeViewProps & { readonly view: View }): ReactNode {
  const { state, piece } = outcome;
  switch (state.kind) {
    case 'running':
      return <Loading label="The statement runs" />;
    case 'stopped':
      return (
        <Empty title="Stopped">
          <p>The server gave the statement up. One that writes changed nothing, unless it was through already.</p>
        </Empty>
      );
    case 'failed':
      return (
        <div className="sql-failure">
          <Failure error={placed(state.error, piece)} />
          <div className="row">
            <Button onClick={() => onShow(outcome)}>Show the place</Button>
            {isTooLarge(state.error) && kindOfText(piece.text) === 'read' ? (
              <Button look="primary" onClick={() => onFirstRows(outcome)}>
                Show the first 1,000 rows
              </Button>
            ) : null}
          </div>
        </div>
      );
    case 'done':
      if (state.plan) return <Plan root={state.plan} />;
      if (state.answer.value.fields.length === 0) return <Done outcome={outcome} />;
      return view === 'chart' ? <ChartView result={state.answer.value} /> : <ResultGrid result={state.answer.value} />;
  }
}

function placed(error: unknown, piece: Piece): unknown {
  if (!(error instanceof ApiError)) return error;
  return new ApiError({ ...error.problem, detail: inTab(error.message, piece) }, error.requestId);
}

const isTooLarge = (error: unknown): boolean => error instanceof ApiError && error.status === 507;

function Done({ outcome }: { outcome: Outcome }) {
  return (
    <Empty title="Done">
      <p>{wordsOf(outcome.state)}</p>
    </Empty>
  );
}

function ResultGrid({ result: { fields, rows } }: { result: SqlResult }) {
  const content = useMemo(
    (): GridContent => ({
      columns: fields.map(({ name, dataTypeID }) => ({ name, kind: kindOfOid(dataTypeID) })),
      rowCount: rows.length,
      cell: (row, column) => ({ text: rows[row]?.[column] ?? null }),
    }),
    [fields, rows],
  );
  return <Grid label="Result" content={content} />;
}

function ViewSwitch({ view, onChange }: { view: View; onChange: (view: View) => void }) {
  return (
    <div className="segments" role="group" aria-label="Show as">
      <button type="button" aria-pressed={view === 'grid'} onClick={() => onChange('grid')}>
        Grid
      </button>
      <button type="button" aria-pressed={view === 'chart'} onClick={() => onChange('chart')}>
        Chart
      </button>
    </div>
  );
}

function SaveMenu({ result, text }: { result: SqlResult; text: string }) {
  const fail = (error: unknown): void => tell(`It was not saved: ${(error as Error).message}`);
  const parquet = {
    label: 'Parquet (runs it again)',
    onSelect: () => void saveParquet(text, 'result').catch(fail),
  };
  return (
    <Menu
      align="end"
      trigger={<Button icon={<Download aria-hidden />}>Save</Button>}
      entries={[
        { label: 'CSV', onSelect: () => saveCsv(result, 'result') },
        { label: 'JSON lines', onSelect: () => saveJson(result, 'result') },
        ...(kindOfText(text) === 'read' ? [parquet] : []),
      ]}
    />
  );
}
