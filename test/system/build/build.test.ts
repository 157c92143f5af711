import { existsSync, globSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { BuildOutput, BuiltFunction } from '../../../scripts/build-output.ts';
import { readBuildOutput } from '../../../scripts/build-output.ts';
import { copyDeployable, repository } from '../../../scripts/deployable.ts';
import { listen } from '../../support/servers/http.ts';
import { type CloudServer, cloudNames, startCloud } from '../../support/cloud-servers.ts';
import type { Finished } from '../../support/programs.ts';
import { runNode } from '../../support/programs.ts';

const canary = 'zqCanary7';
const adminToken = 'admin-token-of-some-length';
const link = '{"projectId":"prj_someones","orgId":"team_someones"}';

let folder: string;
let project: string;
let built: Finished;
let output: BuildOutput;

/** A project like this one, linked to someone's Vercel project, with secrets lying about. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-build-'));
  project = join(folder, 'project');
  await copyDeployable(project);
  await cp(join(repository, 'scripts'), join(project, 'scripts'), { recursive: true });
  await mkdir(join(project, '.vercel'));
  await writeFile(join(project, '.vercel/project.json'), link);
  // As an older version left it: what is deployed must come of the sources all the same.
  await mkdir(join(project, 'dist'));
  await writeFile(join(project, 'dist/stale.js'), '');
  await writeFile(join(project, '.env'), `ADMIN_TOKEN=${canary}${canary}\n`);
  built = await runNode(['scripts/build.ts'], { cwd: project });
  if (built.code !== 0) throw new Error(`The build failed:\n${built.output}`);
  output = await readBuildOutput(join(project, '.vercel/output'));
  // A busy machine takes its time.
}, 300_000);

afterAll(async () => rm(folder, { recursive: true, force: true }));

const only = (): BuiltFunction => output.functions[0]!;

describe('npm run build', () => {
  test('makes one function of all files of api/, with both native binaries and under 100 MB', () => {
    const sources = globSync('**/*.ts', { cwd: join(repository, 'api') });
    expect(output.functions.map(({ path }) => path)).toEqual(['/']);
    const { bytes, files, routes } = only();
    expect(routes).toHaveLength(sources.length);
    expect(routes).toEqual(expect.arrayContaining(['/api/[table]', '/api/[table]/[id]', '/api/db-status']));
    expect(files.map((file) => basename(file))).toEqual(
      expect.arrayContaining(['duckdb.node', expect.stringMatching(/^(libduckdb\.|duckdb\.dll)/), 'libpg-query.wasm']),
    );
    expect(bytes).toBeLessThan(100_000_000);
    for (const route of routes) expect(built.output).toContain(route);
  });

  test('makes a few files of our own code, every driver and the SDKs', () => {
    const { files } = only();
    for (const name of ['@aws-sdk/client-s3', '@google-cloud/storage', '@vercel/blob', 'kysely', 'pg']) {
      expect({ name, found: files.filter((file) => file.startsWith(`node_modules/${name}/`)) }).toEqual({
        name,
        found: [],
      });
    }
    expect(files.filter((file) => file.endsWith('.ts') || /^(api|lib)\//.test(file))).toEqual([]);
    for (const name of [
      'duckdb-database',
      'postgres-database',
      'directory',
      'blob',
      's3',
      'gcs',
      'esm',
      'serverless',
    ]) {
      expect({ name, found: files.filter((file) => file.startsWith(`${name}-`)).length }).toEqual({ name, found: 1 });
    }
    expect(files.filter((file) => file.endsWith('.js') && !file.includes('/')).length).toBeLessThan(200);
  });

  test('takes the migrations along', () => {
    const migrations = globSync('migrations/*.sql', { cwd: repository });
    expect(only().files.filter((file) => file.startsWith('migrations/'))).toEqual(migrations.toSorted());
  });

  test('bundles the sources as they are now', () => expect(only().files).not.toContain('stale.js'));

  test('leaves the link to a Vercel project alone, and nothing else behind', async () => {
    expect(await readFile(join(project, '.vercel/project.json'), 'utf8')).toBe(link);
    expect((await readdir(join(project, '.vercel'))).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'output',
      'project.json',
    ]);
  });

  test('complains of no types', () => expect(built.output).not.toMatch(/error TS/));

  test('serves the files of public/ and nothing else', async () => {
    const publicFiles = globSync('**/*.*', { cwd: join(repository, 'public') }).map((file) =>
      file.replaceAll('\\', '/'),
    );
    expect(output.staticFiles).toEqual(publicFiles.toSorted((a, b) => (a < b ? -1 : 1)));
    for (const path of [
      'lib/app.ts',
      'server.ts',
      'dist/server.js',
      'package.json',
      '.env',
      'tsconfig.json',
      'vercel.json',
      '.git/config',
    ]) {
      expect(existsSync(join(project, '.vercel/output/static', path))).toBe(false);
    }
  });

  test('carries no secret of the project', async () => {
    const search = `
      import { readdirSync, readFileSync } from 'node:fs';
      for (const entry of readdirSync('.vercel/output', { recursive: true, withFileTypes: true }))
        if (entry.isFile() && readFileSync(entry.parentPath + '/' + entry.name).includes('${canary}')) console.log(entry.name);
    `;
    const found = await runNode(['--input-type=module', '-e', search], { cwd: project });
    expect(found).toEqual({ code: 0, output: '' });
  });

  test('keeps the duration, the cron and the headers of vercel.json', async () => {
    const [config, settings] = await Promise.all(
      [join(project, '.vercel/output/config.json'), join(only().folder, '.vc-config.json')].map(
        async (file): Promise<unknown> => JSON.parse(await readFile(file, 'utf8')),
      ),
    );
    expect(config).toMatchObject({
      crons: [{ path: '/api/db-sync', schedule: expect.stringMatching(/^\d+ \d+ \* \* \*$/) }],
    });
    expect(JSON.stringify(config)).toContain("default-src 'none'");
    expect(settings).toMatchObject({ runtime: 'nodejs24.x', maxDuration: 300 });
  });

  test('stops at a type error, and keeps the build before', async () => {
    const wrong = join(project, 'api/wrong.ts');
    await writeFile(wrong, 'export const GET: number = "text";\n');
    const again = await runNode(['scripts/build.ts'], { cwd: project });
    await rm(wrong);
    expect(again.code).toBe(1);
    expect(again.output).toMatch(/api\/wrong\.ts.*TS2322[^]*build: tsc failed/);
    expect((await readBuildOutput(join(project, '.vercel/output'))).functions).toHaveLength(output.functions.length);
  });
});

describe('the function, copied to where there is no node_modules', () => {
  let deployed: string;
  beforeAll(async () => {
    deployed = await mkdtemp(join(tmpdir(), 'eider-deployed-'));
    await cp(join(project, '.vercel/output/functions'), deployed, { recursive: true });
    await rm(project, { recursive: true, force: true }); // Nothing of it may be needed any more.
  });
  afterAll(async () => rm(deployed, { recursive: true, force: true }));

  /** What the function answers, in a process of its own as on Vercel. */
  async function call(
    method: string,
    path: string,
    body?: object,
    environment: Readonly<Record<string, string>> = { LOCAL_DB_PATH: join(deployed, 'data'), TMPDIR: deployed },
  ): Promise<{ status: number; body: unknown }> {
    const place = join(deployed, 'index.func');
    const type = body && { 'content-type': 'application/json' };
    const headers = { authorization: `Bearer ${adminToken}`, ...type };
    const options = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const program = `
      const { default: handler } = await import(${JSON.stringify(join(place, only().handler))});
      const request = new Request('http://127.0.0.1${path}', ${JSON.stringify(options)});
      const response = await handler.fetch(request);
      process.stdout.write('\\n' + JSON.stringify({ status: response.status, body: await response.json() }) + '\\n');
      process.kill(process.pid, 'SIGTERM');
    `;
    const { output: text } = await runNode(['--input-type=module', '-e', program], {
      cwd: place,
      environment: { ADMIN_TOKEN: adminToken, ...environment },
    });
    const answer = text.split('\n').findLast((line) => line.startsWith('{"status"'));
    if (answer === undefined) throw new Error(`${method} ${path} answered nothing:\n${text}`);
    return JSON.parse(answer) as { status: number; body: unknown };
  }

  test('there is none', () => {
    expect(existsSync(join(deployed, 'node_modules'))).toBe(false);
    expect(existsSync(join(tmpdir(), 'node_modules'))).toBe(false);
  });

  test('answers the page, in case the platform asks it', async () => {
    const { output: page } = await runNode(
      [
        '--input-type=module',
        '-e',
        `const { default: handler } = await import('./${only().handler}');
         const { headers, status } = await handler.fetch(new Request('http://127.0.0.1/'));
         console.log(status, headers.get('content-type'));`,
      ],
      { cwd: join(deployed, 'index.func') },
    );
    expect(page).toBe('200 text/html; charset=utf-8\n');
  });

  test('write, read and checkpoint on one database', async () => {
    const student = { name: 'Ada', email: 'ada@example.com' };
    const created = await call('POST', '/api/students', student);
    expect(created).toMatchObject({ status: 201, body: student });
    const { id } = created.body as { id: string };
    const read = await call('GET', `/api/students/${id}`);
    expect(read).toMatchObject({ status: 200, body: { id, ...student } });
    const listed = await call('GET', '/api/students');
    expect(listed).toMatchObject({ status: 200, body: { data: [{ id }] } });
    expect(await call('POST', '/api/db-sync')).toMatchObject({ status: 200 });
    expect(await call('GET', '/api/db-status')).toMatchObject({
      status: 200,
      body: {
        status: 'ok',
        backend: 'local',
        message: expect.stringMatching(/^Data is in .*student_courses\.db on this machine$/) as unknown,
      },
    });
    expect(existsSync(join(deployed, 'data/student_courses.db'))).toBe(true);
  });

  describe.each(cloudNames)('on %s', (backend) => {
    let cloud: CloudServer;
    beforeAll(async () => {
      cloud = await startCloud[backend]();
    });
    afterAll(() => cloud?.close());

    /** The environment of an instance with a temporary folder of its own. */
    async function instance(name: string): Promise<Record<string, string>> {
      const TMPDIR = join(deployed, `${backend}-${name}`);
      await mkdir(TMPDIR);
      return { ...cloud.environment, ...cloud.redirection, VERCEL: '1', TMPDIR };
    }

    test('write on one instance, read on another', async () => {
      const student = { name: 'Ada', email: 'ada@example.com' };
      const here = await instance('here');
      const created = await call('POST', '/api/students', student, here);
      expect(created).toMatchObject({ status: 201, body: student });
      const elsewhere = await instance('elsewhere');
      const listed = await call('GET', '/api/students', undefined, elsewhere);
      expect(listed).toMatchObject({ status: 200, body: { data: [student] } });
      expect(await call('GET', '/api/db-status', undefined, elsewhere)).toMatchObject({
        status: 200,
        body: { status: 'ok', backend, message: 'Data persists with external DuckDB storage' },
      });
    });
  });

  test('ask for a role of AWS, with a client that is there', async () => {
    const denied =
      '<ErrorResponse><Error><Code>AccessDenied</Code><Message>AssumeRole</Message></Error></ErrorResponse>';
    const asked: string[] = [];
    const sts = await listen((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.writeHead(403, { 'content-type': 'text/xml' }).end(denied);
    });
    onTestFinished(() => sts.close());
    const claims = Buffer.from(JSON.stringify({ exp: 4_000_000_000 })).toString('base64url');
    const status = await call('GET', '/api/db-status', undefined, {
      S3_BUCKET: 'bucket',
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/eider',
      AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${sts.port}`,
      VERCEL_OIDC_TOKEN: `e30.${claims}.signature`,
      TMPDIR: deployed,
      LOCAL_DB_PATH: join(deployed, 'standby/school.db'),
    });
    expect(asked[0]).toBe('POST /');
    expect(status).toMatchObject({
      status: 503,
      body: { status: 'down', message: expect.stringMatching(/role could not be assumed.*AWS_ROLE_ARN/) },
    });
  });
});
