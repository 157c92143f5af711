/**
 * A small disk of its own in a folder's place, for tests of disks that are full or read-only. It is mounted in a mount
 * namespace of its own, which needs no rights: only programs started inside see it there. Linux only.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A program that starts another one: its path, and the arguments before that one's own. */
export interface Launcher {
  readonly path: string;
  readonly arguments: readonly string[];
}

export interface Drive {
  /** The folder on the drive, as this process reaches it. */
  readonly folder: string;
  /** Starts programs that see the drive in the place of the folder that it was mounted on. */
  readonly launcher: Launcher;
  /** Takes all room but `leftBytes`. */
  fill(leftBytes?: number): Promise<void>;
  /** Gives back what `fill` took. */
  makeRoom(): Promise<void>;
  remount(mode: 'ro' | 'rw'): Promise<void>;
}

/** Mounts a drive of `bytes` on `folder`, made if absent. It goes when the test ends, or with this process. */
export async function mountDrive(folder: string, bytes: number): Promise<Drive> {
  await mkdir(folder, { recursive: true });
  // `cat` holds the namespace until its input ends.
  const script = 'mount -t tmpfs -o size="$1",mode=0700 none "$0" && echo mounted && exec cat';
  const launch: Launcher = { path: 'unshare', arguments: ['--user', '--map-root-user', '--mount'] };
  const holder = spawn(launch.path, [...launch.arguments, 'sh', '-c', script, folder, String(bytes)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void holder.stdin.end());
  await firstWord(holder, 'mounted');
  const launcher: Launcher = {
    path: 'nsenter',
    arguments: ['--target', String(holder.pid), '--user', '--mount', '--preserve-credentials', '--'],
  };
  const reached = join(`/proc/${holder.pid}/root`, folder);
  const ballast = join(reached, 'ballast');
  return {
    folder: reached,
    launcher,
    async fill(leftBytes = 0) {
      for (;;) {
        const { bavail, bsize } = await statfs(reached);
        try {
          return await writeFile(ballast, Buffer.alloc(bavail * bsize - leftBytes));
        } catch (error) {
          // Somebody wrote meanwhile: what was free is not.
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          await rm(ballast, { force: true });
        }
      }
    },
    makeRoom: () => rm(ballast),
    remount: (mode) => run(launcher, 'mount', '-o', `remount,bind,${mode}`, folder),
  };
}

function run(launcher: Launcher, ...command: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(launcher.path, [...launcher.arguments, ...command], { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (text) => (errors += String(text)));
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command.join(' ')}: ${errors}`))));
  });
}

/** Resolves once `child` has said `word`. A machine that does not let it is told of, never passed over in silence. */
function firstWord(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (text) => {
        said += String(text);
        if (said.includes(word)) resolve();
      });
    child.once('error', reject);
    child.once('close', () =>
      reject(new Error(`No drive could be mounted: ${said} User namespaces must be allowed on this machine.`)),
    );
  });
}
