import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type Catalog, relationAt } from '../../api/catalog.ts';
import { type CountedChange, fetchChanges, type JsonRow, type TableChange } from '../../api/changes.ts';
import { rowsKey } from '../../api/fresh.ts';
import { href } from '../../route.ts';
import { formatCount, formatTime, plural } from '../../ui/format.ts';
import { Shown } from '../../ui/states.tsx';
import { MarkedText } from '../../ui/marked-text.tsx';
import { differences, keyOf, textOf } from './rows.ts';
import type { Entry } from './timeline.ts';

interface EntryProps {
  readonly entry: Entry;
  readonly catalog: Catalog | undefined;
}

/** One version: what it changed, and on request the rows. */
export function EntryView({ entry, catalog }: EntryProps) {
  const [isOpen, setOpen] = useState(false);
  const { version, at, changes } = entry;
  const hasRows = changes.some((change) => 'table' in change);
  return (
    <li className="history-entry">
      <div className="row">
        <strong className="mono">v{version}</strong>
        <time className="muted" dateTime={at}>
          {formatTime(at)}
        </time>
        <span className="row grow">
          {changes.map((change, index) => (
            <ChangeBadge key={index} change={change} />
          ))}
        </span>
        {hasRows ? (
          <button type="button" className="button plain" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? 'Hide the rows' : 'Show the rows'}
          </button>
        ) : null}
      </div>
      {isOpen ? <Rows version={version} catalog={catalog} /> : null}
    </li>
  );
}

function ChangeBadge({ change }: { change: CountedChange }) {
  if (change.kind === 'schema') return <span className="badge">definitions changed</span>;
  if (change.kind === 'reset') return <span className="badge">reset: any row may have changed</span>;
  const { table, kind, count } = change;
  return (
    <span className="badge">
      {table}{' '}
      <span className={kind === 'put' ? 'ok' : 'bad'}>
        {kind === 'put' ? '+' : '−'}
        {formatCount(count)}
        <span className="hidden-visually">{kind === 'put' ? ' written' : ' deleted'}</span>
      </span>
    </span>
  );
}

/** As many as people look at. */
const mostRows = 50;

function Rows({ version, catalog }: { version: number; catalog: Catalog | undefined }) {
  const query = useQuery({
    queryKey: [rowsKey, 'version', version],
    queryFn: ({ signal }) => fetchChanges({ after: version - 1, limit: 1 }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Shown query={query} label="Loading the rows">
      {({ data }) =>
        data[0]?.changes.map((change, index) => <ChangedRows key={index} change={change} catalog={catalog} />)
      }
    </Shown>
  );
}

function ChangedRows({ change, catalog }: { change: TableChange; catalog: Catalog | undefined }) {
  if (!('table' in change)) return null;
  const rows = change.kind === 'put' ? change.rows : change.keys;
  const relation = catalog && relationAt(catalog, change.table);
  const columns = [...new Set(rows.slice(0, mostRows).flatMap((row) => Object.keys(row)))];
  return (
    <div className="history-rows" tabIndex={0} role="region" aria-label={`Rows of ${change.table}`}>
      <table>
        <caption>
          {change.table}: {plural(rows.length, 'row')} {change.kind === 'put' ? 'written' : 'deleted'}
          {rows.length > mostRows ? `, the first ${mostRows} of them` : ''}
        </caption>
        <thead>
          <tr>
            <th scope="col">
              <span className="hidden-visually">History</span>
            </th>
            {columns.map((column) => (
              <th key={column} scope="col">
                <MarkedText text={column} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, mostRows).map((row, index) => (
            <tr key={index}>
              <td>
                <RowLink table={change.table} address={keyOf(row, relation?.key ?? [])} />
              </td>
              {columns.map((column) => (
                <td key={column}>
                  <Value text={textOf(row[column])} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RowLink({ table, address }: { table: string; address: string | null }) {
  if (address === null) return null;
  return (
    <a href={href('history', null, { table, key: address })} aria-label={`All versions of ${table} ${address}`}>
      versions
    </a>
  );
}

const mostLetters = 300;

/** Long ones from their beginning. */
function Value({ text }: { text: string | null | undefined }) {
  if (text === undefined) return <span className="muted">unknown</span>;
  return <MarkedText text={text !== null && text.length > mostLetters ? `${text.slice(0, mostLetters)}…` : text} />;
}

interface RowEntryProps {
  readonly entry: Entry;
  /** The version before it; undefined where that is not known. */
  readonly before: JsonRow | 'none' | undefined;
}

/** One version of one row, beside the one before it. */
export function RowEntry({ entry: { version, at, row, changes }, before }: RowEntryProps) {
  const from = before === 'none' ? undefined : before;
  const to = row === 'deleted' ? undefined : row;
  const what = row === 'deleted' ? 'deleted' : before === 'none' ? 'created' : before ? 'changed' : 'written';
  return (
    <li className="history-entry">
      <p className="row">
        <strong className="mono">v{version}</strong>
        <time className="muted" dateTime={at}>
          {formatTime(at)}
        </time>
        {row === undefined ? (
          changes.map((change, index) => <ChangeBadge key={index} change={change} />)
        ) : (
          <span className="badge">{what}</span>
        )}
        {row !== undefined && before === undefined ? (
          <span className="muted">What was there before is not in this list.</span>
        ) : null}
      </p>
      {row === undefined ? null : (
        <div className="history-rows" tabIndex={0} role="region" aria-label={`What version ${version} changed`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Column</th>
                <th scope="col">Before</th>
                <th scope="col">After</th>
              </tr>
            </thead>
            <tbody>
              {differences(from, to).map((each) => (
                <tr key={each.column}>
                  <th scope="row">
                    <MarkedText text={each.column} />
                  </th>
                  <td className="history-before">
                    {from || before === undefined ? <Value text={each.before} /> : '–'}
                  </td>
                  <td className="history-after">{to ? <Value text={each.after} /> : '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </li>
  );
}
