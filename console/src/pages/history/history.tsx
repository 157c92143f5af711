import { useEffect, useState } from 'react';
import { type Catalog, relationAt, useCatalog } from '../../api/catalog.ts';
import { href, navigate, useRoute } from '../../route.ts';
import { useKeys } from '../../shell/keys.ts';
import { Button } from '../../ui/button.tsx';
import { formatCount } from '../../ui/format.ts';
import { Empty, Failure, Loading } from '../../ui/states.tsx';
import { EntryView, RowEntry } from './entry.tsx';
import './history.css';
import { Sizes } from './sizes.tsx';
import { type Filter, type Timeline, useTimeline, versionsOfRow } from './timeline.ts';

/** The table and the row are in the address. */
export default function HistoryPage() {
  const { query } = useRoute();
  const { data: catalog } = useCatalog();
  const table = query.get('table');
  const key = query.get('key');
  const filter: Filter = { ...(table === null ? {} : { table }), ...(table !== null && key ? { key } : {}) };
  return (
    <div className="page stack">
      <h1>History</h1>
      <FilterBar catalog={catalog} filter={filter} />
      <Versions key={JSON.stringify(filter)} catalog={catalog} filter={filter} />
    </div>
  );
}

function show({ table, key }: Filter): void {
  navigate(href('history', null, { ...(table ? { table } : {}), ...(table && key ? { key } : {}) }));
}

function FilterBar({ catalog, filter }: { catalog: Catalog | undefined; filter: Filter }) {
  const { table, key } = filter;
  const [text, setText] = useState(key ?? '');
  const [select, setSelect] = useState<HTMLSelectElement | null>(null);
  useEffect(() => setText(key ?? ''), [key, table]);
  useKeys({ '/': () => select?.focus() });
  const relation = catalog && table !== undefined ? relationAt(catalog, table) : undefined;
  const hasKey = relation !== undefined && relation.key.length > 0;
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        show({ ...filter, key: text.trim() });
      }}
    >
      <select
        ref={setSelect}
        className="input narrow"
        aria-label="Table"
        value={table ?? ''}
        onChange={(event) => show({ table: event.target.value })}
      >
        <option value="">All tables</option>
        {catalog?.relations
          .filter(({ kind }) => kind === 'table')
          .map(({ path }) => (
            <option key={path}>{path}</option>
          ))}
      </select>
      {hasKey ? (
        <>
          <input
            className="input narrow"
            type="search"
            aria-label={`Row by its key: ${relation.key.join(',')}`}
            placeholder={relation.key.join(',')}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <Button type="submit">Show this row</Button>
        </>
      ) : null}
      {key === undefined ? null : <Button onClick={() => show(table ? { table } : {})}>All rows</Button>}
    </form>
  );
}

interface VersionsProps {
  readonly catalog: Catalog | undefined;
  readonly filter: Filter;
}

function Versions({ catalog, filter }: VersionsProps) {
  const { query, timeline } = useTimeline(filter);
  if (!timeline) {
    return query.error ? (
      <Failure error={query.error} onRetry={() => void query.refetch()} />
    ) : (
      <Loading label="Loading the versions" />
    );
  }
  return (
    <>
      {filter.key === undefined ? <Sizes timeline={timeline} catalog={catalog} /> : null}
      {timeline.entries.length === 0 ? <NothingFound timeline={timeline} /> : null}
      <ol className="history-list" aria-label="Versions, newest first">
        {filter.key === undefined
          ? timeline.entries.map((entry) => <EntryView key={entry.version} entry={entry} catalog={catalog} />)
          : versionsOfRow(timeline).map(({ entry, before }) => (
              <RowEntry key={entry.version} entry={entry} before={before} />
            ))}
      </ol>
      {timeline.hasOlder ? (
        <Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {query.isFetchingNextPage ? 'Loading' : 'Load older versions'}
        </Button>
      ) : null}
    </>
  );
}

function NothingFound({ timeline: { from } }: { timeline: Timeline }) {
  return (
    <Empty title="Nothing changed">
      <p>
        As far back as version {formatCount(from)}. Write something, by the tables or by <a href={href('sql')}>SQL</a>,
        and it appears here at once.
      </p>
    </Empty>
  );
}
