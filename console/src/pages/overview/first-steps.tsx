import { FileUp, Plus } from 'lucide-react';
import { useState } from 'react';
import { useCatalog } from '../../api/catalog.ts';
import { useRowCounts } from '../../api/row-counts.ts';
import { href } from '../../route.ts';

/** For who opens it for the first time: no table has a row yet. */
export function FirstSteps() {
  const { data: catalog } = useCatalog();
  const [hasRows, setHasRows] = useState(false);
  // Counted until there are some.
  const counts = useRowCounts(hasRows ? undefined : catalog);
  if (!hasRows && [...counts.values()].some((count) => count > 0)) setHasRows(true);
  if (!catalog?.may.define || hasRows) return null;
  return (
    <section className="card stack tight" aria-label="First steps">
      <h2>Begin with some rows</h2>
      <div className="row">
        <a className="button primary" href={href('tables', null, { new: 'import' })}>
          <FileUp aria-hidden /> Import a file
        </a>
        <a className="button" href={href('tables', null, { new: 'table' })}>
          <Plus aria-hidden /> Create a table
        </a>
        <a href={href('setup', 'api')}>Or by the API</a>
      </div>
    </section>
  );
}
