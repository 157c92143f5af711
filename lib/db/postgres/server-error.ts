/** An error as PostgreSQL answers it: https://www.postgresql.org/docs/current/protocol-error-fields.html */
export interface ServerError extends Error {
  readonly code: string;
  readonly severity?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly routine?: string;
}
