import { useQuery } from '@tanstack/react-query';
import { type Catalog, isKeyless, type Relation } from '../../api/catalog.ts';
import { runSql, type SqlValue } from '../../api/sql.ts';
import { Button } from '../../ui/button.tsx';
import { Failure, Loading } from '../../ui/states.tsx';
import { MarkedText } from '../../ui/marked-text.tsx';
import { type Edit, rowId, type Stage } from './staged.ts';
import { rowStatement } from './statements.ts';

interface ConflictProps {
  readonly catalog: Catalog;
  readonly relation: Relation;
  readonly stage: Stage;
  readonly id: string;
  readonly edit: Edit;
}

/** Yours and theirs, column by column. */
export function Conflict({ id, edit, catalog, relation, stage }: ConflictProps) {
  const { data, error } = useQuery({
    queryKey: ['conflict', relation.path, id, edit.fault],
    gcTime: 0,
    staleTime: 0,
    queryFn: async ({ signal }) => {
      if (isKeyless(relation)) return null;
      const { value } = await runSql(rowStatement(catalog.engine, relation, relation.key, edit.key), { signal });
      const row = value.rows[0];
      return row ? Object.fromEntries(relation.columns.map(({ name }, index) => [name, row[index] ?? null])) : null;
    },
  });
  const title = `Somebody else changed ${isKeyless(relation) ? 'a row' : edit.key.map((part) => part ?? 'NULL').join(', ')}`;
  const names = relation.columns
    .map(({ name }) => name)
    .filter((name) => name in edit.values || (data && name in edit.before && data[name] !== edit.before[name]));
  const yours = (name: string): SqlValue => {
    const value = edit.values[name];
    return value === undefined || value === 'default' ? (edit.before[name] ?? null) : value.text;
  };
  return (
    <section className="conflict" aria-label={title}>
      <h3>{title}</h3>
      {error ? (
        <Failure error={error} />
      ) : data === undefined ? (
        <Loading label="Loading what they have" lines={2} />
      ) : null}
      {data === null ? <p>{isKeyless(relation) ? edit.fault?.message : 'The row is gone.'}</p> : null}
      {data ? (
        <table>
          <thead>
            <tr>
              <th>Column</th>
              <th>Before</th>
              <th>Theirs</th>
              <th>Yours</th>
            </tr>
          </thead>
          <tbody>
            {names.map((name) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className="mono">
                  <MarkedText text={edit.before[name] ?? null} />
                </td>
                <td className="mono">
                  <MarkedText text={data[name] ?? null} />
                </td>
                <td className="mono">{edit.isRemoved ? <i>deleted</i> : <MarkedText text={yours(name)} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      <div className="row">
        {data ? (
          <Button onClick={() => stage.rebase(rowId(edit.key), data)}>Keep yours for the next Save</Button>
        ) : null}
        <Button onClick={() => stage.forget(id)}>Take theirs</Button>
      </div>
    </section>
  );
}
