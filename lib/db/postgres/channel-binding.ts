/**
 * `channel_binding=require`: the password is proved over SCRAM, bound to the server's certificate, or not at all. pg
 * binds where the server offers it, and otherwise goes on without.
 *
 * Owns: the refusal. The worst that can happen: a server in the middle that asks for the password as it is, and gets it.
 */
import type { EventEmitter } from 'node:events';
import { Client, type ClientConfig } from 'pg';
import { AppError } from '../../errors.ts';

interface Wire extends EventEmitter {
  readonly stream: { destroy(error?: Error): void };
}

/** A client of pg that ends the connection when the server asks for less. */
export class BoundClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    const { connection } = this as unknown as { connection: Wire };
    // Before pg's own listeners, which are added when it connects; what they send then is not sent any more.
    const refuse = (): void => connection.stream.destroy(notBound());
    connection.on('authenticationCleartextPassword', refuse);
    connection.on('authenticationMD5Password', refuse);
    connection.on('authenticationSASL', ({ mechanisms }: { mechanisms: readonly string[] }) => {
      if (!mechanisms.includes('SCRAM-SHA-256-PLUS')) refuse();
    });
  }
}

function notBound(): AppError {
  return new AppError('denied', 'PostgreSQL does not bind the password to its certificate.', {
    hint: 'channel_binding=require in DATABASE_URL needs TLS and a password kept as SCRAM-SHA-256.',
  });
}
