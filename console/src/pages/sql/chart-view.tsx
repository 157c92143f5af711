import { lazy, Suspense, useMemo, useState } from 'react';
import { kindOfOid, type SqlResult } from '../../api/sql.ts';
import { type ChartType, chartTypes } from '../../ui/chart-data.ts';
import { plural } from '../../ui/format.ts';
import { Empty, Loading } from '../../ui/states.tsx';
import { chartData, type ChartChoice, type ChartColumn, chooseChart, mostBars, mostPoints } from './chart-choice.ts';

const ChartCanvas = lazy(() => import('../../ui/chart.tsx'));

export function ChartView({ result }: { result: SqlResult }) {
  const columns = useMemo(
    () => result.fields.map(({ name, dataTypeID }): ChartColumn => ({ name, kind: kindOfOid(dataTypeID) })),
    [result],
  );
  const [choice, setChoice] = useState(() => chooseChart(columns, result.rows));
  const data = useMemo(() => choice && chartData(columns, result.rows, choice), [columns, result, choice]);
  if (!choice || !data || result.rows.length === 0) {
    return (
      <Empty title="Nothing to draw">
        <p>A chart needs a column of numbers beside another column, and a row.</p>
      </Empty>
    );
  }
  const most = choice.type === 'bar' ? mostBars : mostPoints;
  const names = data.series.map(({ name }) => name).join(', ');
  return (
    <div className="chart-view">
      <Controls columns={columns} choice={choice} onChange={setChoice} />
      {result.rows.length > most ? <p className="muted">The first {plural(most, 'row')} are drawn.</p> : null}
      <Suspense fallback={<Loading label="Loading the chart" />}>
        <ChartCanvas
          label={`${choice.type} chart: ${names} by ${data.x.title}, ${plural(result.rows.length, 'row')}`}
          data={data}
        />
      </Suspense>
    </div>
  );
}

interface ControlsProps {
  readonly columns: readonly ChartColumn[];
  readonly choice: ChartChoice;
  readonly onChange: (choice: ChartChoice) => void;
}

function Controls({ columns, choice, onChange }: ControlsProps) {
  const toggle = (index: number): void => {
    const ys = choice.ys.includes(index)
      ? choice.ys.filter((y) => y !== index)
      : [...choice.ys, index].toSorted((a, b) => a - b);
    if (ys.length > 0) onChange({ ...choice, ys });
  };
  return (
    <div className="row chart-controls">
      <label className="row">
        Chart
        <select
          className="input narrow"
          value={choice.type}
          onChange={(event) => onChange({ ...choice, type: event.target.value as ChartType })}
        >
          {chartTypes.map((type) => (
            <option key={type}>{type}</option>
          ))}
        </select>
      </label>
      <label className="row">
        Along
        <select
          className="input narrow"
          value={choice.x}
          onChange={(event) => onChange({ ...choice, x: Number(event.target.value) })}
        >
          {columns.map(({ name }, index) => (
            <option key={index} value={index}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="row">
        Split by
        <select
          className="input narrow"
          value={choice.split ?? ''}
          onChange={(event) =>
            onChange({ ...choice, split: event.target.value === '' ? null : Number(event.target.value) })
          }
        >
          <option value="">nothing</option>
          {columns.map(({ name }, index) => (
            <option key={index} value={index}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <fieldset className="row">
        <legend className="hidden-visually">Values</legend>
        {columns.map(({ name, kind }, index) =>
          kind === 'number' ? (
            <label key={index} className="check">
              <input type="checkbox" checked={choice.ys.includes(index)} onChange={() => toggle(index)} /> {name}
            </label>
          ) : null,
        )}
      </fieldset>
    </div>
  );
}
