import { LogIn, LogOut, Moon, RefreshCw, Search, Sun, SunMoon } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useCatalog } from '../api/catalog.ts';
import { queryClient } from '../api/fresh.ts';
import { askForToken, signOut, token } from '../api/session.ts';
import { useStatus } from '../api/status.ts';
import { href } from '../route.ts';
import { useStore } from '../store.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Banners } from './banners.tsx';
import { isApple, useKeys } from './keys.ts';
import { Navigation } from './navigation.tsx';
import { Palette } from './palette.tsx';
import { Shortcuts } from './shortcuts.tsx';
import { SignIn } from './sign-in.tsx';
import { useSync } from './sync.ts';
import { setTheme, theme, themes } from './theme.ts';

export function Shell({ children }: { children: ReactNode }) {
  return (
    <div className="shell">
      <Banners />
      <Top />
      <Navigation />
      <main className="main" tabIndex={0} id="main">
        {children}
      </main>
      <SignIn />
      <Shortcuts />
    </div>
  );
}

function Top() {
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  useKeys({ 'Mod+K': () => setPaletteOpen(true) });
  return (
    <header className="top">
      <a className="brand" href={href('overview')}>
        <img src="favicon.svg" alt="" width="24" height="24" /> Eider
      </a>
      <TopStatus />
      <span className="grow" />
      <Button icon={<Search aria-hidden />} onClick={() => setPaletteOpen(true)}>
        Go to
        <kbd className="wide-only">{isApple ? '⌘K' : 'Ctrl K'}</kbd>
      </Button>
      <SyncButton />
      <ThemeButton />
      <SessionButton />
      <Palette isOpen={isPaletteOpen} onClose={() => setPaletteOpen(false)} />
    </header>
  );
}

const tones = { ok: 'ok', degraded: 'warn', down: 'bad' } as const;

function TopStatus() {
  const { data: status } = useStatus();
  if (!status) return null;
  const words = [status.backend, status.status === 'ok' ? null : status.status, versionOf(status.version)];
  return (
    <a className="top-status" href={href('overview')}>
      <i className={`dot ${tones[status.status]}`} aria-hidden />
      {words.filter((word) => word !== null && word !== undefined).join(' · ')}
    </a>
  );
}

function versionOf(version: number | null | undefined): string | null {
  return version === null || version === undefined ? null : `v${version}`;
}

function SyncButton() {
  const { data: catalog } = useCatalog();
  const { run, isRunning } = useSync();
  if (catalog?.may.define !== true) return null;
  return (
    <Button className="wide-only" disabled={isRunning} icon={<RefreshCw aria-hidden />} onClick={run}>
      {isRunning ? 'Syncing' : 'Sync now'}
    </Button>
  );
}

const themeIcons = { system: SunMoon, light: Sun, dark: Moon };

function ThemeButton() {
  const now = useStore(theme);
  const next = themes[(themes.indexOf(now) + 1) % themes.length] ?? 'system';
  const Icon = themeIcons[now];
  return (
    <IconButton
      label={`Colours: ${now}. Change to ${next}`}
      icon={<Icon aria-hidden />}
      onClick={() => setTheme(next)}
    />
  );
}

function SessionButton() {
  const isSignedIn = useStore(token) !== null;
  if (isSignedIn) {
    const leave = (): void => {
      signOut();
      queryClient.clear();
      location.reload();
    };
    return <IconButton label="Sign out" icon={<LogOut aria-hidden />} onClick={leave} />;
  }
  const enter = (): void => void askForToken('With a token you see and do what it allows.');
  return <IconButton label="Sign in" icon={<LogIn aria-hidden />} onClick={enter} />;
}
