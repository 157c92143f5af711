import { Dialog as Base } from '@base-ui/react/dialog';
import type { ReactNode } from 'react';

interface DialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly isWide?: boolean;
  readonly className?: string;
  /** The palette has its field in the place of a title. */
  readonly hidesTitle?: boolean;
}

/** A modal dialog: Escape and the backdrop close it, the focus stays in it and comes back. */
export function Dialog({ title, isOpen, onClose, children, isWide, className = '', hidesTitle }: DialogProps) {
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => (open ? undefined : onClose())}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup className={`dialog ${isWide === true ? 'wide' : ''} ${className}`}>
          <Base.Title className={hidesTitle === true ? 'hidden-visually' : ''} render={<h2 />}>
            {title}
          </Base.Title>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
