import { type FormEvent, useState } from 'react';
import { giveToken, signInWanted } from '../api/session.ts';
import { refreshEverything } from '../api/fresh.ts';
import { useStore } from '../store.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';

/** Over the page, which keeps what was typed into it; the request that was refused is sent again. */
export function SignIn() {
  const wanted = useStore(signInWanted);
  const [text, setText] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    giveToken(text.trim());
    setText('');
    void refreshEverything();
  };
  return (
    <Dialog title="Sign in" isOpen={wanted !== null} onClose={() => giveToken(null)}>
      <form className="stack" onSubmit={submit}>
        <p role="alert">{wanted?.reason}</p>
        <label className="field">
          <span>ADMIN_TOKEN or API_TOKEN</span>
          <input
            className="input mono"
            type="password"
            name="token"
            autoComplete="current-password"
            spellCheck={false}
            required
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <p className="muted">It stays in this browser tab, until that is closed.</p>
        <div className="dialog-buttons">
          <Button onClick={() => giveToken(null)}>Not now</Button>
          <Button look="primary" type="submit">
            Sign in
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
