/** The db-status for everyone but the operator: whether it works, and how to learn more. */
import type { App } from '../app.ts';
import { describeBackend, persistenceMessage } from '../config/backends.ts';
import type { Examination } from '../config/config.ts';
import type { Handler, RequestContext } from './handle.ts';

const lookEveryMs = 10_000;

type Health =
  | { readonly status: 'ok' | 'degraded'; readonly version: number }
  | { readonly status: 'down'; readonly version: null };

interface StatusLook {
  readonly atMs: number;
  readonly health: Promise<Health>;
}

export function summaryHandler(app: App): Handler {
  let last: StatusLook | null = null;
  return async (context) => {
    const nowMs = app.runtime.monotonicMs();
    if (last === null || nowMs - last.atMs >= lookEveryMs) last = { atMs: nowMs, health: look(app, context) };
    const health = await last.health;
    const body = summaryBody(app.examine(), health, context);
    if (health.status !== 'down') return Response.json(body);
    return Response.json(body, { status: 503, headers: { 'retry-after': '10' } });
  };
}

/** Not by way of the context: its headers would tell of the backend. Not its signal: others wait for this, too. */
async function look(app: App, context: RequestContext): Promise<Health> {
  try {
    const { database } = await app.open();
    const read = await database.read((queries) => queries.selectNoFrom((eb) => eb.lit(1).as('one')).execute(), {
      maxStalenessMs: 0,
    });
    return { status: read.degraded === undefined ? 'ok' : 'degraded', version: read.version };
  } catch (error) {
    context.logFailure(error, 503);
    return { status: 'down', version: null };
  }
}

function summaryBody({ config, access, onVercel }: Examination, { status, version }: Health, { role }: RequestContext) {
  const traits = config === null ? null : describeBackend(config.chosen.backend);
  const known = { engine: traits?.engine ?? null, persistent: traits?.persistent ?? null, version };
  return {
    status,
    message:
      status === 'ok' && config !== null
        ? persistenceMessage(config, { tellsPlace: false })
        : troubleMessage(status, config !== null),
    ...(role === 'api' ? { backend: config?.chosen.backend ?? null, ...known } : {}),
    hint: hint(access, onVercel),
  };
}

function troubleMessage(status: Health['status'], isConfigured: boolean): string {
  if (status === 'degraded')
    return 'The database is unavailable, and a standby answers: each answer says so in the header db-degraded.';
  return isConfigured
    ? 'The database cannot be used at the moment. The log of this server says why.'
    : 'The configuration of this server is wrong, so its database is closed. Its log names the variable.';
}

function hint(access: Examination['access'], onVercel: boolean): string {
  const { adminToken, apiToken, hasWrongToken, publicRead } = access;
  if (adminToken !== null) return 'With ADMIN_TOKEN in the header "Authorization: Bearer <token>" this says more.';
  if (hasWrongToken) return 'A token of this server cannot be used; its log says which, and why.';
  const what = publicRead ? 'For all but reading tables, this deployment' : 'This deployment';
  const closed = `${what} is closed until ADMIN_TOKEN or API_TOKEN is set in its environment. `;
  return `${onVercel && apiToken === null ? closed : ''}With ADMIN_TOKEN set, and sent in the header "Authorization: Bearer <token>", this says more.`;
}
