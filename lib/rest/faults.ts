/**
 * What is wrong with a request in PostgREST's words, each with its code. https://docs.postgrest.org/en/stable/references/errors.html
 */
import { AppError, type ErrorKind } from '../errors.ts';

/** With the code and the status that clients of PostgREST expect. */
export class RestError extends AppError {
  readonly code: string;
  readonly status: number;
  readonly details: unknown;

  constructor(code: string, status: number, message: string, more: { details?: unknown; hint?: string } = {}) {
    super(kindOf(status), message, more.hint === undefined ? {} : { hint: more.hint });
    this.code = code;
    this.status = status;
    this.details = more.details ?? null;
  }
}

function kindOf(status: number): ErrorKind {
  return status === 404 ? 'not-found' : 'invalid';
}

/** A parameter that does not parse. `at`: the character at which it stopped, from 0. */
export function parseFault(parameter: string, text: string, at: number, expected: string): RestError {
  const shown = text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text;
  const rest = Array.from(text.slice(at, at + 2))[0];
  return new RestError(
    'PGRST100',
    400,
    `"failed to parse ${parameter} (${shown})" (line 1, column ${Math.min(at, text.length) + 1})`,
    { details: `unexpected ${rest === undefined ? 'end of input' : JSON.stringify(rest)} expecting ${expected}` },
  );
}

/** More than one request may ask for. */
export function tooMuch(what: string): RestError {
  return new RestError('PGRST100', 400, `The query asks for too much: ${what}.`, {
    hint: 'Split it into several requests.',
  });
}

export function noSuchColumn(relation: string, column: string): RestError {
  return new RestError('42703', 400, `column ${relation}.${column} does not exist`);
}
