import { Menu as Base } from '@base-ui/react/menu';
import type { ReactElement, ReactNode } from 'react';

export interface MenuEntry {
  readonly label: ReactNode;
  readonly icon?: ReactNode;
  readonly keys?: string;
  readonly isDisabled?: boolean;
  readonly onSelect: () => void;
}

interface MenuProps {
  /** The button that opens it. */
  readonly trigger: ReactElement;
  readonly entries: readonly MenuEntry[];
  readonly align?: 'start' | 'end';
}

/** @example <Menu trigger={<Button>More</Button>} entries={[{ label: 'Export', onSelect: exportRows }]} /> */
export function Menu({ trigger, entries, align = 'start' }: MenuProps) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align={align} className="menu-position">
          <Base.Popup className="menu">
            <Entries entries={entries} />
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

interface PointMenuProps {
  /** Of the window. */
  readonly at: { readonly x: number; readonly y: number };
  readonly label: string;
  readonly entries: readonly MenuEntry[];
  readonly onClose: () => void;
}

/** A menu at a point: of a cell, of a column. */
export function PointMenu({ at: { x, y }, label, entries, onClose }: PointMenuProps) {
  const anchor = { getBoundingClientRect: () => new DOMRect(x, y, 0, 0) };
  return (
    <Base.Root open onOpenChange={(open) => (open ? undefined : onClose())}>
      <Base.Portal>
        <Base.Positioner anchor={anchor} side="bottom" align="start" className="menu-position">
          <Base.Popup className="menu" aria-label={label}>
            <Entries entries={entries} />
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

function Entries({ entries }: { entries: readonly MenuEntry[] }) {
  return entries.map(({ label, icon, keys, isDisabled, onSelect }, index) => (
    <Base.Item key={index} className="menu-item" disabled={isDisabled ?? false} onClick={onSelect}>
      {icon}
      {label}
      {keys === undefined ? null : <kbd>{keys}</kbd>}
    </Base.Item>
  ));
}
