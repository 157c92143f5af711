import { Autocomplete } from '@base-ui/react/autocomplete';
import { useMemo } from 'react';
import { type Catalog, useCatalog } from '../api/catalog.ts';
import { href, navigate } from '../route.ts';
import { Dialog } from '../ui/dialog.tsx';
import { places } from './navigation.tsx';
import { setTheme, themes } from './theme.ts';
import { useSync } from './sync.ts';

interface Action {
  readonly label: string;
  readonly what: string;
  readonly run: () => void;
}

/** Pages, tables and what can be done anywhere, by their names. */
export function Palette({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const { data: catalog } = useCatalog();
  const { run: sync } = useSync();
  const actions = useMemo(() => actionsOf(catalog, sync), [catalog, sync]);
  const choose = (label: string): void => {
    const action = actions.find((each) => each.label === label);
    if (!action) return;
    onClose();
    action.run();
  };
  return (
    <Dialog title="Go to" isOpen={isOpen} onClose={onClose} className="palette" hidesTitle>
      <Autocomplete.Root
        items={actions}
        itemToStringValue={({ label }: Action) => label}
        limit={60}
        autoHighlight="always"
        open
        inline
      >
        <Autocomplete.Input
          aria-label="Go to a page, a table or an action"
          placeholder="Go to a page, a table or an action"
          onKeyDown={(event) => {
            if (event.key === 'Escape') onClose();
          }}
        />
        <Autocomplete.Empty className="palette-empty muted">Nothing is called like this.</Autocomplete.Empty>
        <Autocomplete.List className="palette-list" aria-label="Places and actions">
          {({ label, what }: Action) => (
            <Autocomplete.Item key={label} value={label} className="menu-item" onClick={() => choose(label)}>
              <bdi>{label}</bdi>
              <span className="muted">{what}</span>
            </Autocomplete.Item>
          )}
        </Autocomplete.List>
      </Autocomplete.Root>
    </Dialog>
  );
}

function actionsOf(catalog: Catalog | undefined, sync: () => void): Action[] {
  const to = (label: string, what: string, address: string): Action => ({ label, what, run: () => navigate(address) });
  return [
    ...places.map(({ page, label }) => to(label, 'Page', href(page))),
    ...(catalog?.relations ?? []).map(({ path, kind }) =>
      to(path, kind === 'view' ? 'View' : 'Table', href('tables', path)),
    ),
    ...(catalog?.may.define === true
      ? [
          to('Create a table', 'Action', href('tables', null, { new: 'table' })),
          to('Import a file', 'Action', href('tables', null, { new: 'import' })),
          { label: 'Sync now', what: 'Action', run: sync },
        ]
      : []),
    ...themes.map((name) => ({ label: `Colours: ${name}`, what: 'Setting', run: () => setTheme(name) })),
  ];
}
