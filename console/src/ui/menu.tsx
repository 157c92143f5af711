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
    <Base.Root modal={false}>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align={align} className="menu-position">
          <Base.Popup className="menu">
            {entries.map(({ label, icon, keys, isDisabled, onSelect }, index) => (
              <Base.Item key={index} className="menu-item" disabled={isDisabled ?? false} onClick={onSelect}>
                {icon}
                {label}
                {keys === undefined ? null : <kbd>{keys}</kbd>}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
