import { Menu as Base } from '@base-ui/react/menu';
import { Check } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Relation } from '../../api/catalog.ts';
import { showView, type TableView } from './view-state.ts';

/** Which columns are shown. */
export function ColumnsMenu({
  relation,
  view,
  trigger,
}: {
  relation: Relation;
  view: TableView;
  trigger: ReactElement;
}) {
  const { hidden } = view;
  const show = (names: readonly string[]): void => showView(relation.path, { ...view, hidden: names });
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} className="menu-position">
          <Base.Popup className="menu">
            <Base.Item
              className="menu-item"
              disabled={hidden.length === 0}
              closeOnClick={false}
              onClick={() => show([])}
            >
              Show all
            </Base.Item>
            {relation.columns.map(({ name }) => (
              <Base.CheckboxItem
                key={name}
                className="menu-item"
                checked={!hidden.includes(name)}
                disabled={!hidden.includes(name) && hidden.length === relation.columns.length - 1}
                onCheckedChange={(isShown) =>
                  show(isShown ? hidden.filter((each) => each !== name) : [...hidden, name])
                }
              >
                <span className="menu-check">
                  <Base.CheckboxItemIndicator>
                    <Check aria-hidden />
                  </Base.CheckboxItemIndicator>
                </span>
                <bdi>{name}</bdi>
              </Base.CheckboxItem>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
