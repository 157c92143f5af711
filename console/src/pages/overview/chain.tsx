import { Check, CircleDashed, CircleSlash, LifeBuoy, SkipForward, TriangleAlert } from 'lucide-react';
import type { Candidate } from '../../api/status.ts';
import { href } from '../../route.ts';
import { labelOf } from './backends.ts';

const states: Readonly<Record<string, { readonly word: string; readonly tone: string; readonly Icon: typeof Check }>> =
  {
    chosen: { word: 'chosen', tone: 'ok', Icon: Check },
    fallback: { word: 'stands by', tone: '', Icon: LifeBuoy },
    skipped: { word: 'skipped', tone: '', Icon: SkipForward },
    incomplete: { word: 'incomplete', tone: 'warn', Icon: TriangleAlert },
    invalid: { word: 'wrong', tone: 'bad', Icon: CircleSlash },
    'not-configured': { word: 'not set', tone: 'muted', Icon: CircleDashed },
  };

/** The candidates in their order: who was chosen, and why each other was not. */
export function Chain({ candidates }: { candidates: readonly Candidate[] }) {
  return (
    <section aria-label="Where the database can be">
      <ol className="chain">
        {candidates.map(({ backend, state, reason }) => {
          const { word, tone, Icon } = states[state] ?? { word: state, tone: 'warn', Icon: TriangleAlert };
          return (
            <li key={backend} className={`chain-link ${state}`}>
              <strong>{labelOf(backend)}</strong>
              <span className={`row chain-state ${tone}`}>
                <Icon className="icon-inline" aria-hidden /> {word}
              </span>
              <p>{reason}</p>
              {state === 'chosen' ? null : (
                <a href={href('setup', backend)} aria-label={`Set up ${labelOf(backend)}`}>
                  Set up
                </a>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
