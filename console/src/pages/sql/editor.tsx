import { language } from '@codemirror/language';
import { Compartment, EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { useEffect, useImperativeHandle, useMemo, useRef } from 'react';
import type { Catalog } from '../../api/catalog.ts';
import { languageOf } from './completion.ts';
import { editorSetup, type Fault, setFaults } from './editor-setup.ts';
import type { Piece } from './statements.ts';

export interface EditorHandle {
  focus(): void;
  /** The selection's statements, or the one at the cursor. */
  chosen(): Piece[];
  all(): Piece[];
  showPlace(at: number): void;
}

interface EditorProps {
  readonly ref: React.Ref<EditorHandle>;
  /** Each tab has a cursor and an undo of its own. */
  readonly tabId: string;
  readonly text: string;
  readonly isReadOnly: boolean;
  readonly catalog: Catalog | undefined;
  readonly faults: readonly Fault[];
  readonly onChange: (text: string) => void;
  readonly onRun: () => void;
  readonly onRunAll: () => void;
}

/** The text with colours and suggestions. It lives in a shadow root, where styles need no element. */
export function Editor(props: EditorProps) {
  const { ref, tabId, text, isReadOnly, catalog, faults } = props;
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  const parts = useMemo(() => ({ language: new Compartment(), readOnly: new Compartment() }), []);
  const words = useMemo(() => languageOf(catalog), [catalog]);

  useEffect(() => {
    if (!host.current) return undefined;
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: 'open' });
    const made = new EditorView({ parent: root, root });
    view.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => {
    const setup = [
      editorSetup({ onRun: () => latest.current.onRun(), onRunAll: () => latest.current.onRunAll() }),
      parts.language.of([]),
      parts.readOnly.of([]),
      EditorView.updateListener.of(({ docChanged, state, transactions }) => {
        const isTyped = !transactions.some((each) => each.isUserEvent('given'));
        if (docChanged && isTyped) latest.current.onChange(state.doc.toString());
      }),
    ];
    view.current?.setState(EditorState.create({ doc: latest.current.text, extensions: setup }));
    // On a phone the keyboard would cover half of the page.
    if (matchMedia('(pointer: fine)').matches) view.current?.focus();
    // What follows is brought in by the effects below.
  }, [tabId, parts]);
  useEffect(() => view.current?.dispatch({ effects: parts.language.reconfigure(words) }), [words, tabId, parts]);
  useEffect(() => {
    view.current?.dispatch({ effects: parts.readOnly.reconfigure(EditorState.readOnly.of(isReadOnly)) });
  }, [isReadOnly, tabId, parts]);
  useEffect(() => {
    const { current } = view;
    if (!current || current.state.doc.toString() === text) return;
    current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: text }, userEvent: 'given' });
  }, [text, tabId]);
  useEffect(() => {
    const { current } = view;
    const length = current?.state.doc.length ?? 0;
    const seen = faults.filter(({ from, to }) => from < to && to <= length);
    current?.dispatch({ effects: setFaults.of(seen) });
  }, [faults, tabId]);
  useImperativeHandle(ref, () => handleOf(view), []);
  return <div ref={host} className="sql-editor" data-editor />;
}

function handleOf(view: React.RefObject<EditorView | null>): EditorHandle {
  return {
    focus: () => view.current?.focus(),
    chosen: () => (view.current ? chosenPieces(view.current.state) : []),
    all: () => (view.current ? piecesOf(view.current.state) : []),
    showPlace(at) {
      view.current?.dispatch({ selection: { anchor: at }, scrollIntoView: true });
      view.current?.focus();
    },
  };
}

/** Without the semicolons, and without what is only a comment. */
function piecesOf(state: EditorState, from = 0, to = state.doc.length): Piece[] {
  const given = state.sliceDoc(from, to);
  const pieces: Piece[] = [];
  for (let node = state.facet(language)?.parser.parse(given).topNode.firstChild; node; node = node.nextSibling) {
    const text = given.slice(node.from, node.to).replace(/\s*;\s*$/, '');
    if (node.name !== 'Statement' || text.trim() === '') continue;
    const line = state.doc.lineAt(from + node.from);
    const column = from + node.from - line.from + 1;
    pieces.push({ text, from: from + node.from, line: line.number, column });
  }
  return pieces;
}

function chosenPieces(state: EditorState): Piece[] {
  const { from, to, empty } = state.selection.main;
  if (!empty) return piecesOf(state, from, to);
  const pieces = piecesOf(state);
  const at = pieces.findLast((piece) => piece.from <= from) ?? pieces[0];
  return at ? [at] : [];
}
