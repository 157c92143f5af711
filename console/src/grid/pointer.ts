/** Mouse, wheel and touch on a grid. */
import { headHeight } from './layout.ts';
import type { Place } from './model.ts';
import type { GridProps } from './props.ts';
import type { GridView } from './view.ts';

/** Beside the line between two columns. */
const grip = 5;

interface Tracked {
  readonly root: HTMLElement;
  readonly view: GridView;
  /** As they are now. */
  readonly props: () => GridProps;
  readonly signal: AbortSignal;
}

/** Answers how to stop. */
export function trackPointer(root: HTMLElement, view: GridView, props: () => GridProps): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  const tracked: Tracked = { root, view, props, signal };
  root.addEventListener('scroll', () => view.followScroll(), { signal, passive: true });
  root.addEventListener('wheel', (event) => onWheel(tracked, event), { signal, passive: false });
  root.addEventListener('pointermove', (event) => showGrip(tracked, event), { signal });
  root.addEventListener('pointerdown', (event) => onDown(tracked, event), { signal });
  root.addEventListener('click', (event) => onClick(tracked, event), { signal });
  root.addEventListener('dblclick', (event) => onDoubleClick(tracked, event), { signal });
  root.addEventListener('contextmenu', (event) => onContextMenu(tracked, event), { signal });
  return () => ended.abort();
}

/** Where the scrollbar is too short for the table: see layout.ts. */
function onWheel({ view }: Tracked, event: WheelEvent): void {
  if (!view.layout.isScaled || event.ctrlKey) return;
  const unit = event.deltaMode === 1 ? 28 : event.deltaMode === 2 ? view.layout.viewHeight : 1;
  const [dx, dy] = event.shiftKey ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
  if (view.scrollBy(dx * unit, dy * unit)) event.preventDefault();
}

function showGrip(tracked: Tracked, event: PointerEvent): void {
  tracked.root.style.cursor = gripAt(tracked, event) === null ? '' : 'col-resize';
}

function onDown(tracked: Tracked, event: PointerEvent): void {
  const { root, view, signal } = tracked;
  if (event.button !== 0 || event.pointerType === 'touch') return;
  const gripped = gripAt(tracked, event);
  if (gripped !== null) {
    dragColumn(tracked, gripped, event);
    return;
  }
  const place = view.placeAt(event.clientX, event.clientY);
  if (!place || place.row < 0) return;
  select(tracked, place, event.shiftKey);
  const drag = (move: PointerEvent): void => {
    const to = view.placeAt(move.clientX, move.clientY);
    if (to && to.row >= 0) select(tracked, to, true);
  };
  root.addEventListener('pointermove', drag, { signal });
  addEventListener('pointerup', () => root.removeEventListener('pointermove', drag), { once: true, signal });
}

function onClick(tracked: Tracked, event: MouseEvent): void {
  const { view, props } = tracked;
  const place = view.placeAt(event.clientX, event.clientY);
  if (!place || gripAt(tracked, event) !== null) return;
  if (place.row < 0) {
    props().onHeader?.(place.column, event);
    return;
  }
  if (!(event instanceof PointerEvent) || event.pointerType !== 'touch') return;
  select(tracked, place, false);
  props().onTap?.(place);
}

function onDoubleClick({ view, props }: Tracked, { clientX, clientY }: MouseEvent): void {
  const place = view.placeAt(clientX, clientY);
  if (place && place.row >= 0) props().onEdit?.(place, null);
}

function onContextMenu(tracked: Tracked, event: MouseEvent): void {
  const { onMenu } = tracked.props();
  const place = tracked.view.placeAt(event.clientX, event.clientY);
  if (!place || !onMenu) return;
  event.preventDefault();
  if (place.row >= 0) select(tracked, place, false);
  onMenu(place, { x: event.clientX, y: event.clientY });
}

function select({ view, props }: Tracked, place: Place, extend: boolean): void {
  view.moveTo(place, { extend });
  props().onActive?.(view.active);
}

/** The column whose right edge is there. */
function gripAt({ root, view }: Tracked, { clientX, clientY }: MouseEvent): number | null {
  const box = root.getBoundingClientRect();
  if (clientY - box.top > headHeight) return null;
  const x = clientX - box.left + root.scrollLeft;
  const column = view.layout.columnAt(Math.max(0, x - grip));
  const edge = view.layout.offsetOf(column) + view.layout.widthOf(column);
  return Math.abs(x - edge) <= grip ? column : null;
}

function dragColumn({ root, view, props }: Tracked, column: number, start: PointerEvent): void {
  const width = view.layout.widthOf(column);
  const name = props().content.columns[column]?.name ?? '';
  const move = ({ clientX }: PointerEvent): void => {
    view.layout.resize(column, name, width + clientX - start.clientX);
    view.schedule();
  };
  root.setPointerCapture(start.pointerId);
  root.addEventListener('pointermove', move);
  root.addEventListener('pointerup', () => root.removeEventListener('pointermove', move), { once: true });
}
