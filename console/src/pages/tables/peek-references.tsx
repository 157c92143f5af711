/** What a row refers to, and what refers to it. */
import { useQuery } from '@tanstack/react-query';
import { ExternalLink } from 'lucide-react';
import { useState } from 'react';
import { type Catalog, type Reference, type Relation, targetOf } from '../../api/catalog.ts';
import { rowsKey } from '../../api/fresh.ts';
import { runSql, type SqlValue } from '../../api/sql.ts';
import { Button } from '../../ui/button.tsx';
import { MarkedText } from '../../ui/marked-text.tsx';
import { Failure, Loading } from '../../ui/states.tsx';
import { rowStatement } from './statements.ts';
import { viewAddress } from './view-state.ts';

export function References({
  catalog,
  relation,
  values,
}: {
  catalog: Catalog;
  relation: Relation;
  values: Readonly<Record<string, SqlValue>>;
}) {
  const referring = catalog.relations.flatMap((other) =>
    other.references
      .filter((reference) => targetOf(catalog, reference) === relation)
      .map((reference) => ({ other, reference })),
  );
  return (
    <>
      {relation.references.map((reference) => (
        <Referred key={reference.name} catalog={catalog} reference={reference} values={values} />
      ))}
      {referring.length === 0 ? null : (
        <section>
          <h3>Referred to by</h3>
          <ul>
            {referring.map(({ other, reference }) => {
              const filters = reference.columns.map((column, index) => ({
                column,
                operator: '=' as const,
                value: values[reference.targetColumns[index] ?? ''] ?? '',
              }));
              return (
                <li key={`${other.path} ${reference.name}`}>
                  <a href={viewAddress(other.path, { filters, sorts: [], hidden: [] })}>
                    <bdi>
                      {other.path} ({reference.columns.join(', ')})
                    </bdi>
                  </a>
                </li>
              );
            })}
          </ul>
        </section>
      )}
    </>
  );
}

/** Read when somebody asks for it. */
function Referred({
  catalog,
  reference,
  values,
}: {
  catalog: Catalog;
  reference: Reference;
  values: Readonly<Record<string, SqlValue>>;
}) {
  const target = targetOf(catalog, reference);
  const key = reference.columns.map((column) => values[column] ?? null);
  const [isOpen, setOpen] = useState(false);
  const query = useQuery({
    queryKey: [rowsKey, 'referred', reference, key],
    enabled: isOpen && target !== undefined && !key.includes(null),
    queryFn: async ({ signal }) => {
      if (!target) return null;
      const { value } = await runSql(rowStatement(catalog.engine, target, reference.targetColumns, key), { signal });
      return value.rows[0] ?? null;
    },
  });
  if (!target || key.includes(null)) return null;
  const filters = reference.targetColumns.map((column, index) => ({
    column,
    operator: '=' as const,
    value: key[index] ?? '',
  }));
  return (
    <section>
      <div className="row">
        <h3 className="grow">
          <bdi>
            {reference.columns.join(', ')} → {target.path}
          </bdi>
        </h3>
        <Button look="plain" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Hide' : 'Show'}
        </Button>
        <a
          className="button plain icon"
          href={viewAddress(target.path, { filters, sorts: [], hidden: [] })}
          aria-label={`Go to the row of ${target.path}`}
        >
          <ExternalLink aria-hidden />
        </a>
      </div>
      {!isOpen ? null : query.error ? (
        <Failure error={query.error} />
      ) : query.data === undefined ? (
        <Loading label="Loading the row" lines={2} />
      ) : query.data === null ? (
        <p className="muted">There is no such row.</p>
      ) : (
        <dl>
          {target.columns.slice(0, 12).map(({ name }, index) => (
            <div key={name} className="peek-field">
              <dt>{name}</dt>
              <dd className="mono peek-value">
                <MarkedText text={query.data?.[index] ?? null} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
