import { useEffect, useImperativeHandle, useRef, useState } from 'react';
import { matches } from '../shell/keys.ts';
import type { Place } from './model.ts';
import { toTsv } from './model.ts';
import { placeAfter } from './moves.ts';
import { trackPointer } from './pointer.ts';
import type { GridHandle, GridProps } from './props.ts';
import { GridView } from './view.ts';

/**
 * Rows and columns of any number, of which only those that are seen are drawn. Its keys are listed under `?`.
 *
 * @example <Grid label="Result" content={useMemo(() => ({ columns, rowCount, cell }), [result])} />
 */
export function Grid(props: GridProps) {
  const { label, content, ref, editor } = props;
  const root = useRef<HTMLDivElement>(null);
  const editorHost = useRef<HTMLDivElement>(null);
  const view = useView(root, editorHost, props);
  useEffect(() => view?.setContent(content), [view, content]);
  useEffect(() => view?.schedule(), [view, editor]);
  useImperativeHandle(ref, () => handleOf(root, view), [view]);

  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (view && handleKey(event, view, props)) event.preventDefault();
  };
  return (
    <div className="grid-frame">
      <div
        ref={root}
        className="grid"
        role="grid"
        tabIndex={0}
        aria-label={label}
        aria-multiselectable
        onKeyDown={onKeyDown}
        onCopy={(event) => {
          if (!view) return;
          event.preventDefault();
          event.clipboardData.setData('text/plain', toTsv(content, view.range));
        }}
      />
      {editor ? (
        <div ref={editorHost} className="grid-editor">
          {editor.node}
        </div>
      ) : null}
    </div>
  );
}

/** What draws; null until there is an element to draw into. */
function useView(
  root: React.RefObject<HTMLDivElement | null>,
  editorHost: React.RefObject<HTMLDivElement | null>,
  props: GridProps,
): GridView | null {
  const [view, setView] = useState<GridView | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    if (!root.current) return undefined;
    const made = new GridView(root.current, (first, last) => {
      placeEditor(made, editorHost.current, latest.current.editor?.place);
      latest.current.onWindow?.(first, last);
    });
    const untrack = trackPointer(root.current, made, () => latest.current);
    const watcher = new ResizeObserver(() => made.schedule());
    watcher.observe(root.current);
    setView(made);
    return () => {
      watcher.disconnect();
      untrack();
      made.stop();
    };
  }, [root, editorHost]);
  return view;
}

function handleOf(root: React.RefObject<HTMLDivElement | null>, view: GridView | null): GridHandle {
  return {
    focus: () => root.current?.focus({ preventScroll: true }),
    moveTo: (place) => view?.moveTo(place),
    get active() {
      return view?.active ?? { row: 0, column: 0 };
    },
    get range() {
      return view?.range ?? { from: { row: 0, column: 0 }, to: { row: 0, column: 0 } };
    },
  };
}

function placeEditor(view: GridView, host: HTMLElement | null, place: Place | undefined): void {
  if (!host || !place) return;
  const { left, top, width, height } = view.boxOf(place);
  Object.assign(host.style, { minWidth: `${width}px`, minHeight: `${height}px` });
  // One that is larger than its cell stays within the grid.
  const frame = host.parentElement;
  const [across, down] = frame
    ? [frame.clientWidth - host.offsetWidth, frame.clientHeight - host.offsetHeight]
    : [left, top];
  const isSeen = top > 0 && frame !== null && top < frame.clientHeight;
  host.style.left = `${Math.max(0, Math.min(left, across))}px`;
  host.style.top = `${isSeen ? Math.max(0, Math.min(top, down)) : top}px`;
}

function handleKey(event: React.KeyboardEvent, view: GridView, props: GridProps): boolean {
  const { content, onKey, onEdit, onMenu, onActive } = props;
  if (onKey?.(event, view.active) === true) return true;
  const extent = { rowCount: content.rowCount, columnCount: content.columns.length, rowsOfPage: view.rowsOfPage() };
  const next = placeAfter(event, view.active, extent);
  if (next) {
    view.moveTo(next, { extend: event.shiftKey });
    onActive?.(view.active);
    return true;
  }
  if (matches(event, 'Mod+A')) {
    view.anchor = { row: 0, column: 0 };
    view.moveTo({ row: content.rowCount - 1, column: content.columns.length - 1 }, { extend: true, reveal: false });
    return true;
  }
  if (onMenu && (event.key === 'ContextMenu' || matches(event, 'Shift+F10') || matches(event, 'Alt+ArrowDown'))) {
    const box = view.boxOf(view.active);
    const frame = event.currentTarget.getBoundingClientRect();
    const isColumn = event.altKey;
    const at = { x: frame.left + box.left, y: frame.top + (isColumn ? 40 : box.top + box.height) };
    onMenu(isColumn ? { row: -1, column: view.active.column } : view.active, at);
    return true;
  }
  if (!onEdit || content.rowCount === 0) return false;
  const isTyped = event.key.length === 1 && event.key !== ' ' && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!isTyped && event.key !== 'Enter' && event.key !== 'F2') return false;
  if (event.key === 'Enter' && event.altKey) return false;
  onEdit(view.active, isTyped ? event.key : null);
  return true;
}
