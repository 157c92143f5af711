/** How to make the database persist, and how programs reach it. */
import './setup.css';
import { Tabs } from '@base-ui/react/tabs';
import { CircleCheck, CircleX } from 'lucide-react';
import { useCatalog } from '../../api/catalog.ts';
import { token } from '../../api/session.ts';
import { type Candidate, useStatus } from '../../api/status.ts';
import { href, navigate, useRoute } from '../../route.ts';
import { useStore } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { CopyBlock } from '../../ui/copy.tsx';
import { labelOf } from '../overview/backends.ts';
import { type ClientRecipe, clients } from './clients.ts';
import { linesOf, type Recipe, recipes, tokens } from './recipes.ts';

export default function Setup() {
  const { rest } = useRoute();
  return (
    <div className="page stack">
      <h1>Set-up</h1>
      <section className="stack tight" aria-label="Where the database lives">
        <h2>Where the database lives</h2>
        <p className="muted">
          Each takes two minutes. The first that is set is used; set it in the environment, or in the file .env.
        </p>
        <Backends chosen={rest} />
      </section>
      <section className="card stack tight">
        <h2>Who may do what</h2>
        <CopyBlock label="the tokens" text={linesOf(tokens)} />
        <ul className="variables">
          {tokens.map(({ name, why }) => (
            <li key={name}>
              <code>{name}</code> <span className="muted">{why}</span>
            </li>
          ))}
        </ul>
      </section>
      <section className="stack tight" aria-label="From programs">
        <h2>From programs</h2>
        <Clients />
      </section>
    </div>
  );
}

function Backends({ chosen }: { chosen: string | null }) {
  const { data: status, refetch, isFetching } = useStatus();
  const known = recipes.some(({ backend }) => backend === chosen);
  return (
    <Tabs.Root
      value={known ? chosen : 'blob'}
      onValueChange={(next) => navigate(href('setup', String(next)), { replace: true })}
    >
      <Tabs.List className="tabs" aria-label="Backends">
        {recipes.map(({ backend }) => (
          <Tabs.Tab key={backend} value={backend} className="tab">
            {labelOf(backend)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {recipes.map((recipe) => (
        <Tabs.Panel key={recipe.backend} value={recipe.backend} className="card stack tight">
          <RecipeView recipe={recipe} />
          <Checked candidate={status?.candidates?.find(({ backend }) => backend === recipe.backend)} />
          <div>
            <Button disabled={isFetching} onClick={() => void refetch()}>
              Check again
            </Button>
          </div>
        </Tabs.Panel>
      ))}
    </Tabs.Root>
  );
}

function RecipeView({ recipe: { backend, steps, variables } }: { recipe: Recipe }) {
  return (
    <>
      <ol className="steps">
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <CopyBlock label={`the variables of ${labelOf(backend)}`} text={linesOf(variables)} />
      <ul className="variables">
        {variables.map(({ name, why, isOptional }) => (
          <li key={name}>
            <code>{name}</code>{' '}
            <span className="muted">
              {why}
              {isOptional === true ? ' May be left out.' : ''}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** What the server says of it: set, or what is missing. */
function Checked({ candidate }: { candidate: Candidate | undefined }) {
  if (!candidate) return <p className="muted">With ADMIN_TOKEN this page also says what is still missing.</p>;
  const { state, reason } = candidate;
  const isSet = state === 'chosen' || state === 'fallback' || state === 'skipped';
  const Icon = isSet ? CircleCheck : CircleX;
  return (
    <p className="row" role="status">
      <Icon className={`icon-inline ${isSet ? 'ok' : 'warn'}`} aria-hidden />
      <span className="grow">
        <strong>{isSet ? (state === 'chosen' ? 'Set, and chosen.' : 'Set.') : 'Not set yet.'}</strong> {reason}
      </span>
    </p>
  );
}

function Clients() {
  const { data: catalog } = useCatalog();
  const table = catalog?.relations[0]?.path ?? 'my_table';
  return (
    <Tabs.Root defaultValue="curl">
      <Tabs.List className="tabs" aria-label="Clients">
        {clients.map(({ id, label }) => (
          <Tabs.Tab key={id} value={id} className="tab">
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {clients.map((client) => (
        <Tabs.Panel key={client.id} value={client.id} className="card stack tight">
          <ClientView client={client} table={table} />
        </Tabs.Panel>
      ))}
    </Tabs.Root>
  );
}

function ClientView({ client: { label, install, code }, table }: { client: ClientRecipe; table: string }) {
  const needsToken = useStore(token) !== null;
  return (
    <>
      {install === null ? null : <CopyBlock label={`how to install ${label}`} text={install} />}
      <CopyBlock label={`the code for ${label}`} text={code(table, needsToken)} />
    </>
  );
}
