/** How a table is built: columns, constraints, references; and forms that change it. */
import { type Catalog, type Relation, targetOf } from '../../api/catalog.ts';
import { href } from '../../route.ts';
import { CopyBlock } from '../../ui/copy.tsx';
import { AlterTable } from './alter-table.tsx';

export function Structure({ catalog, relation }: { catalog: Catalog; relation: Relation }) {
  return (
    <div className="structure stack">
      <Columns relation={relation} />
      <Constraints catalog={catalog} relation={relation} />
      {relation.readOnly === null ? null : <p className="muted">{relation.readOnly}</p>}
      {catalog.may.define ? <AlterTable catalog={catalog} relation={relation} /> : null}
      <section className="card stack tight">
        <h2>By the API</h2>
        <CopyBlock
          label="the request"
          text={`curl ${new URL(`api/${encodeURIComponent(relation.path)}`, document.baseURI).href}?limit=20`}
        />
      </section>
    </div>
  );
}

function Columns({ relation }: { relation: Relation }) {
  return (
    <section className="card scroll-x" tabIndex={0} aria-label="Columns">
      <h2>Columns</h2>
      <table className="table-list">
        <thead>
          <tr>
            <th>Name</th>
            <th>Type</th>
            <th>NULL</th>
            <th>Default</th>
            <th>Comment</th>
          </tr>
        </thead>
        <tbody>
          {relation.columns.map(({ name, sqlType, nullable, default: otherwise, generated, comment }) => (
            <tr key={name}>
              <td>
                <bdi>{name}</bdi> {relation.key.includes(name) ? <span className="badge">key</span> : null}
              </td>
              <td className="mono">{sqlType}</td>
              <td>{nullable ? 'allowed' : 'no'}</td>
              <td className="mono">
                {generated ? `computed${otherwise === null ? '' : `: ${otherwise}`}` : otherwise}
              </td>
              <td className="muted">{comment}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Constraints({ catalog, relation }: { catalog: Catalog; relation: Relation }) {
  const { key, unique, checks, references } = relation;
  const referring = catalog.relations.flatMap((other) =>
    other.references
      .filter((each) => targetOf(catalog, each) === relation)
      .map((each) => ({ other, columns: each.columns, name: each.name })),
  );
  if (key.length + unique.length + checks.length + references.length + referring.length === 0) {
    return <p className="muted">There are no constraints.</p>;
  }
  return (
    <section className="card scroll-x" tabIndex={0} aria-label="Constraints">
      <h2>Constraints and references</h2>
      <table className="table-list">
        <tbody>
          {key.length === 0 ? null : (
            <tr>
              <th scope="row">Primary key</th>
              <td className="mono">{key.join(', ')}</td>
            </tr>
          )}
          {unique.map(({ name, columns }) => (
            <tr key={name}>
              <th scope="row">Unique</th>
              <td className="mono">{columns.join(', ')}</td>
            </tr>
          ))}
          {checks.map(({ name, expression }) => (
            <tr key={name}>
              <th scope="row">Check</th>
              <td className="mono">{expression}</td>
            </tr>
          ))}
          {references.map((reference) => {
            const path = targetOf(catalog, reference)?.path ?? reference.target.name;
            return (
              <tr key={reference.name}>
                <th scope="row">Refers to</th>
                <td className="mono">
                  {reference.columns.join(', ')} → <a href={href('tables', path)}>{path}</a> (
                  {reference.targetColumns.join(', ')})
                </td>
              </tr>
            );
          })}
          {referring.map(({ other, columns, name }) => (
            <tr key={`${other.path} ${name}`}>
              <th scope="row">Referred to by</th>
              <td className="mono">
                <a href={href('tables', other.path)}>{other.path}</a> ({columns.join(', ')})
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
