/**
 * Uploads on PostgreSQL, which has no place for them: all are refused.
 *
 * Owns: saying so, and what to do instead. The worst that can happen: a client that takes it for an outage and comes again.
 */
import { AppError } from '../../errors.ts';
import type { Uploads } from '../database.ts';

function refuse(): Promise<never> {
  const message = 'On PostgreSQL a file is imported in one request; none is taken in parts.';
  const hint = 'Split what is larger than one request may be into several files, each with its header.';
  return Promise.reject(new AppError('invalid', message, { hint }));
}

export const noUploads: Uploads = {
  keep: refuse,
  read: refuse,
  list: refuse,
  drop: refuse,
  dropAbandoned: () => Promise.resolve(0),
};
