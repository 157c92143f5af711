/** Every command in the README and in docs/ runs, page by page, against a server with a new database. */
import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repository } from '../../../scripts/deployable.ts';
import { type ServedProject, startServer } from '../../support/programs.ts';

/** What is tested elsewhere, or needs an account: by its beginning. */
const elsewhere = [
  'npm run db -- move',
  'npx eider move',
  'npm run db -- serve',
  'npm ci',
  'npm install',
  'npm run build',
  'npx vercel',
  'npm create',
  'npx create-',
];

/** Programs as the pages call them: of this project, and with an error where an answer is one. */
const shims = `
set -euo pipefail
eider() {
  case "$*" in
    *--dry-run*) node "$PROJECT/scripts/db.ts" "$@" || [ $? -eq 3 ] ;;
    *) node "$PROJECT/scripts/db.ts" "$@" ;;
  esac
}
npm() { if [ "$1 $2 $3" = "run db --" ]; then shift 3; eider "$@"; else echo "not known: npm $*"; return 1; fi; }
npx() { if [ "$1" = eider ]; then shift; eider "$@"; else echo "not known: npx $*"; return 1; fi; }
curl() {
  case "$*" in
    *text/event-stream*) command curl -sS --fail-with-body --max-time 2 "$@" || [ $? -eq 28 ] ;;
    *) command curl -sS --fail-with-body --max-time 60 "$@" ;;
  esac
}
`;

const files: Readonly<Record<string, string>> = {
  'courses.csv': 'code,title,credits\nIMP1,Imported,5\nIMP2,Imported as well,3\n',
  'more-courses.csv': 'code,title,credits\nIMP3,Imported in parts,5\n',
  'students.csv': 'name,email\nGrace,grace@example.com\n',
  'people.csv': 'id,name,born\n1,Ada,1815-12-10\n2,Grace,1906-12-09\n',
};

interface Block {
  readonly language: string;
  readonly text: string;
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(repository, page), 'utf8');
  return [...text.matchAll(/^```(\w+)\n([^]*?)^```/gm)].map(([, language, code]) => ({
    language: language!,
    text: code!,
  }));
}

const isElsewhere = (line: string): boolean => elsewhere.some((beginning) => line.startsWith(beginning));

function commandsOf(page: string): string {
  const blocks = blocksOf(page).filter(({ language }) => language === 'sh');
  return blocks
    .map(({ text }) =>
      text
        .split('\n')
        .filter((line) => !isElsewhere(line))
        .join('\n'),
    )
    .join('\n');
}

/** Migrations that a page writes out: SQL whose first line is a comment with their path. */
function migrationsOf(page: string): (readonly [string, string])[] {
  return blocksOf(page).flatMap(({ language, text }) => {
    const name = language === 'sql' ? /^-- migrations\/(\S+\.sql)\n/.exec(text)?.[1] : undefined;
    return name === undefined ? [] : [[name, text] as const];
  });
}

let folder: string;
let server: ServedProject | undefined;

async function serve(page: string): Promise<NodeJS.ProcessEnv> {
  const project = join(folder, page.replaceAll(/\W/g, '-'));
  await mkdir(project);
  for (const entry of ['api', 'eider.ts', 'lib', 'migrations', 'public', 'scripts', 'server.ts', 'package.json'])
    await cp(join(repository, entry), join(project, entry), { recursive: true });
  await symlink(join(repository, 'node_modules'), join(project, 'node_modules'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(project, name), text);
  for (const [name, text] of migrationsOf(page)) await writeFile(join(project, 'migrations', name), text);
  server = await startServer({
    cwd: project,
    environment: { TMPDIR: project },
    command: [process.execPath, join(project, 'scripts/db.ts'), 'serve'],
  });
  return { PATH: process.env['PATH'], HOME: project, TMPDIR: project, PROJECT: project, URL: server.url };
}

function run(script: string, env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  const child = spawn('bash', ['-c', script], { env, cwd: env['PROJECT'], stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

const pages = ['README.md', ...globSync('docs/*.md', { cwd: repository })].filter(
  (page) => commandsOf(page).trim() !== '',
);

describe('the commands of', () => {
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'eider-docs-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(pages)('%s', { timeout: 120_000 }, async (page) => {
    const env = await serve(page);
    try {
      // The page says where the server is; here it is elsewhere.
      const commands = commandsOf(page).replaceAll(/^URL=.*$/gm, '');
      const { code, output } = await run(`${shims}\nset -x\n${commands}`, env);
      expect(code, output).toBe(0);
    } finally {
      await server?.stop();
    }
  });

  test('the README are among them', () => expect(commandsOf('README.md')).toContain('curl -X POST $URL/api/db-sync'));
});
