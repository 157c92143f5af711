import { useMemo, useState } from 'react';
import { type Catalog, useCatalog } from '../../api/catalog.ts';
import { href, navigate, useRoute } from '../../route.ts';
import { Button } from '../../ui/button.tsx';
import { plural } from '../../ui/format.ts';
import { Empty, Shown } from '../../ui/states.tsx';
import { Diagram } from './diagram.tsx';
import { linksOf, mostLinked, neighboursOf } from './model.ts';
import './schema.css';

/** So many are drawn before somebody asks for all. */
const mostAtFirst = 100;

export default function SchemaPage() {
  const catalog = useCatalog();
  return (
    <div className="page-full schema-page">
      <h1 className="hidden-visually">Schema</h1>
      <Shown query={catalog} label="Loading the tables">
        {(data) => (data.relations.length === 0 ? <NoTables /> : <Schema catalog={data} />)}
      </Shown>
    </div>
  );
}

function NoTables() {
  return (
    <Empty title="No tables yet">
      <p>
        Make one on the page of <a href={href('tables')}>tables</a>, or by <a href={href('sql')}>SQL</a>.
      </p>
    </Empty>
  );
}

/** Which table, and whether only what is around it, is in the address. */
function Schema({ catalog }: { catalog: Catalog }) {
  const { query } = useRoute();
  const [showsAll, setShowsAll] = useState(false);
  const path = query.get('table');
  const isNear = query.get('show') === 'neighbours';
  const links = useMemo(() => linksOf(catalog), [catalog]);
  const sought = catalog.relations.find((relation) => relation.path === path);
  const all = catalog.relations;
  const relations = useMemo(() => {
    if (sought && isNear) return neighboursOf(sought, links);
    const first = mostLinked(all, links, showsAll ? all.length : mostAtFirst);
    return sought && !first.includes(sought) ? [...first, sought] : first;
  }, [all, links, sought, isNear, showsAll]);
  const shownLinks = links.filter(({ from, to }) => relations.includes(from) && relations.includes(to)).length;
  const show = (table: string | null, near = isNear): void => {
    const parts = { ...(table === null ? {} : { table }), ...(near && table !== null ? { show: 'neighbours' } : {}) };
    navigate(href('schema', null, parts), { replace: true });
  };
  return (
    <>
      <div className="row schema-bar">
        <Finder catalog={catalog} path={path} onFind={(table) => show(table)} />
        <div className="segments" role="group" aria-label="Which tables">
          <button type="button" aria-pressed={!isNear} onClick={() => show(path, false)}>
            All
          </button>
          <button type="button" aria-pressed={isNear} disabled={!sought} onClick={() => show(path, true)}>
            Neighbours
          </button>
        </div>
        <p className="muted grow" role="status">
          {plural(relations.length, 'table')} of {all.length}, {plural(shownLinks, 'reference')}
        </p>
        {!isNear && relations.length < all.length ? (
          <Button onClick={() => setShowsAll(true)}>Show all {all.length}</Button>
        ) : null}
      </div>
      <div className="schema-canvas">
        <Diagram relations={relations} links={links} sought={sought} onChoose={(relation) => show(relation.path)} />
      </div>
    </>
  );
}

interface FinderProps {
  readonly catalog: Catalog;
  readonly path: string | null;
  readonly onFind: (path: string | null) => void;
}

function Finder({ catalog, path, onFind }: FinderProps) {
  const [text, setText] = useState(path ?? '');
  const find = (given: string): void => {
    setText(given);
    const sought = given.trim().toLowerCase();
    const exact = catalog.relations.find((relation) => relation.path.toLowerCase() === sought);
    if (exact) onFind(exact.path);
    else if (sought === '') onFind(null);
  };
  const enter = (): void => {
    const sought = text.trim().toLowerCase();
    const found = catalog.relations.find((relation) => relation.path.toLowerCase().includes(sought));
    if (found && sought !== '') find(found.path);
  };
  return (
    <>
      <input
        className="input schema-find"
        type="search"
        aria-label="Find a table"
        placeholder="Find a table"
        list="schema-tables"
        value={text}
        onChange={(event) => find(event.target.value)}
        onKeyDown={(event) => event.key === 'Enter' && enter()}
      />
      <datalist id="schema-tables">
        {catalog.relations.map((relation) => (
          <option key={relation.path}>{relation.path}</option>
        ))}
      </datalist>
    </>
  );
}
