import { formatCount, plural } from '../../ui/format.ts';
import type { Foreseen } from './import-file.ts';

/** What would come of a file. */
export function Preview({ foreseen: { rows, wrong, columns, sample, errors, create } }: { foreseen: Foreseen }) {
  return (
    <>
      <p role="status">
        <strong>{plural(rows, 'row')}</strong> would be imported
        {wrong > 0 ? (
          <span className="bad">
            , {formatCount(wrong)} are wrong: mend the file first, since all rows come in or none.
          </span>
        ) : (
          '.'
        )}
      </p>
      {errors.length === 0 ? null : (
        <ul className="fault">
          {errors.slice(0, 10).map(({ path, message }) => (
            <li key={path}>
              Line <code>{path}</code> {message}
            </li>
          ))}
        </ul>
      )}
      <div className="preview" tabIndex={0} role="region" aria-label="The first rows">
        <table>
          <thead>
            <tr>
              {columns.map(({ name, type }) => (
                <th key={name}>
                  <bdi>{name}</bdi>
                  <br />
                  <span className="mono">{type}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sample.map((row, index) => (
              <tr key={index}>
                {columns.map(({ name }) => (
                  <td key={name} className="mono">
                    {shown(row[name])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {create === undefined ? null : (
        <pre tabIndex={0} aria-label="The statement">
          {create}
        </pre>
      )}
    </>
  );
}

function shown(value: unknown): React.ReactNode {
  if (value === null || value === undefined) return <i className="muted">NULL</i>;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
