import { useLayoutEffect, useRef } from 'react';
import { markedText } from '../grid/marks.ts';

/** A value outside of a grid, with the same marks for what cannot be seen. */
export function MarkedText({ text }: { text: string | null }) {
  const host = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (text !== null) host.current?.replaceChildren(...markedText(text));
  }, [text]);
  if (text === null) return <i className="muted">NULL</i>;
  if (text === '') return <i className="muted">(empty)</i>;
  return <bdi ref={host} />;
}
