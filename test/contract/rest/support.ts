/** Cases of the acceptance suite: what is asked, and what has to come. */
import { expect, it } from 'vitest';
import type { Client, Place } from './place.ts';

export type UsePlace = () => Place;

interface Answered {
  readonly data: unknown;
  readonly error: null | {
    readonly code: string;
    readonly message: string;
    readonly details: unknown;
    readonly hint: unknown;
  };
  readonly status: number;
  readonly count: number | null;
}

/** Title, call, data. */
export type Case = readonly [title: string, ask: (client: Client) => PromiseLike<Answered>, data: unknown];

export function answers(place: UsePlace, cases: readonly Case[]): void {
  it.each(cases.map(([title, ask, data]) => ({ title, ask, data })))('$title', async ({ ask, data }) => {
    const answer = await ask(place().client);
    expect(answer.error).toBeNull();
    expect(answer.data).toEqual(data);
  });
}

/** Title, call, status, code. */
export type Refusal = readonly [
  title: string,
  ask: (client: Client) => PromiseLike<Answered>,
  status: number,
  code: string,
];

export function refusals(place: UsePlace, cases: readonly Refusal[]): void {
  it.each(cases.map(([title, ask, status, code]) => ({ title, ask, status, code })))(
    '$title: $code',
    async ({ ask, status, code }) => {
      const { error, status: told } = await ask(place().client);
      expect([told, error?.code, typeof error?.message]).toEqual([status, code, 'string']);
      expect(Object.keys(error ?? {})).toEqual(expect.arrayContaining(['details', 'hint']));
    },
  );
}

/** The ids of rows. */
export const ids = (...of: readonly number[]): readonly { readonly id: number }[] => of.map((id) => ({ id }));
