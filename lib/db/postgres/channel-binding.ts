/**
 * `channel_binding=require`: pg binds SCRAM to the server's certificate where that is offered, and otherwise goes on
 * without.
 */
import type { EventEmitter } from 'node:events';
import { Client, type ClientConfig } from 'pg';
import { AppError } from '../../errors.ts';

interface ScramWire extends EventEmitter {
  readonly stream: { destroy(error?: Error): void };
}

export class BoundClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    const { connection } = this as unknown as { connection: ScramWire };
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
