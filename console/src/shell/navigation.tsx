import { CodeXml, Gauge, History, Settings2, Share2, Table2, Telescope } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useCatalog } from '../api/catalog.ts';
import { href, navigate, type Page, useRoute } from '../route.ts';
import { useKeys } from './keys.ts';

export const places: readonly {
  readonly page: Page;
  readonly label: string;
  readonly key: string;
  readonly Icon: typeof Gauge;
}[] = [
  { page: 'overview', label: 'Overview', key: 'o', Icon: Gauge },
  { page: 'tables', label: 'Tables', key: 't', Icon: Table2 },
  { page: 'sql', label: 'SQL', key: 's', Icon: CodeXml },
  { page: 'history', label: 'History', key: 'h', Icon: History },
  { page: 'schema', label: 'Schema', key: 'd', Icon: Share2 },
  { page: 'setup', label: 'Set-up', key: 'u', Icon: Settings2 },
];

export function Navigation() {
  const { page } = useRoute();
  useGoKeys();
  return (
    <div className="side">
      <nav aria-label="Pages">
        <ul>
          {places.map(({ page: to, label, Icon }) => (
            <li key={to}>
              <a href={href(to)} aria-current={page === to ? 'page' : undefined}>
                <Icon aria-hidden /> {label}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <TableList />
    </div>
  );
}

/** `g`, then the letter of a page within a second. */
function useGoKeys(): void {
  const [since, setSince] = useState(-Infinity);
  const go = (to: Page): void => {
    if (performance.now() - since < 1000) navigate(href(to));
  };
  useKeys({
    g: () => setSince(performance.now()),
    ...Object.fromEntries(places.map(({ key, page }) => [key, () => go(page)])),
  });
}

/** From so many on, a list is searched rather than read. */
const fewTables = 12;

function TableList() {
  const { data: catalog } = useCatalog();
  const { page, rest } = useRoute();
  const [wanted, setWanted] = useState('');
  const shown = useMemo(
    () => (catalog?.relations ?? []).filter(({ path }) => path.toLowerCase().includes(wanted.toLowerCase())),
    [catalog, wanted],
  );
  if (!catalog || catalog.relations.length === 0) return null;
  return (
    <nav className="side-tables" aria-label="Tables">
      {catalog.relations.length > fewTables ? (
        <input
          className="input"
          type="search"
          aria-label="Find a table"
          placeholder="Find a table"
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
      ) : null}
      <ul>
        {shown.slice(0, 500).map(({ path, kind }) => (
          <li key={path}>
            <a href={href('tables', path)} aria-current={page === 'tables' && rest === path ? 'page' : undefined}>
              {kind === 'view' ? <Telescope aria-label="View" /> : <Table2 aria-hidden />}
              <span>
                <bdi>{path}</bdi>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
