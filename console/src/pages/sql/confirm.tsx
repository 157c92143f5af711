import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { dangerOf, type Piece } from './statements.ts';

interface ConfirmProps {
  /** Empty: nothing to ask. */
  readonly pieces: readonly Piece[];
  readonly onRun: () => void;
  readonly onClose: () => void;
}

/** Before what cannot be taken back. */
export function Confirm({ pieces, onRun, onClose }: ConfirmProps) {
  const dangers = pieces.flatMap(({ text }) => {
    const danger = dangerOf(text);
    return danger === null ? [] : [{ text, danger }];
  });
  return (
    <Dialog title="Run this?" isOpen={pieces.length > 0} onClose={onClose}>
      {dangers.map(({ text, danger }, index) => (
        <div key={index} className="stack tight">
          <p>{danger}</p>
          <pre tabIndex={0} aria-label="Statement">
            {text}
          </pre>
        </div>
      ))}
      <div className="dialog-buttons">
        <Button onClick={onClose}>Cancel</Button>
        <Button look="danger" onClick={onRun}>
          Run
        </Button>
      </div>
    </Dialog>
  );
}
