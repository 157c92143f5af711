import { Toast as Base } from '@base-ui/react/toast';
import { X } from 'lucide-react';
import { Button, IconButton } from './button.tsx';

const manager = Base.createToastManager();

/** Says in passing what happened, with a way to take it back where there is one. @example tell('3 rows saved') */
export function tell(text: string, action?: { readonly label: string; readonly onClick: () => void }): void {
  const id = manager.add({
    title: text,
    timeout: action === undefined ? 5000 : 10_000,
    ...(action === undefined
      ? {}
      : {
          actionProps: {
            children: action.label,
            onClick: () => {
              manager.close(id);
              action.onClick();
            },
          },
        }),
  });
}

export function Toasts() {
  return (
    <Base.Provider toastManager={manager}>
      <Base.Portal>
        <Base.Viewport className="toasts">
          <ToastList />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}

function ToastList() {
  const { toasts } = Base.useToastManager();
  return toasts.map((toast) => (
    <Base.Root key={toast.id} toast={toast} className="toast" swipeDirection={[]}>
      <Base.Title className="grow" render={<p />} />
      {toast.actionProps === undefined ? null : <Base.Action render={<Button />} />}
      <Base.Close render={<IconButton label="Close" icon={<X aria-hidden />} />} />
    </Base.Root>
  ));
}
