import { type AppError, isAppError } from '../errors.ts';

/** An error in words, with what to do about it. */
export function describeError(error: unknown): string {
  if (!isAppError(error)) {
    return `This is a defect of Eider: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
  }
  const fields = (error.fields ?? []).map(({ path, message }) => `  ${path}: ${message}`);
  const besides = error.fields?.every(({ message }) => error.message.includes(message)) === true ? [] : fields;
  return `${[error.message, ...besides, ...(error.hint === undefined ? [] : [error.hint])].join('\n')}\n`;
}

/** The same for programs. */
export function errorAsJson(error: unknown): string {
  const { kind = 'internal', message, hint, fields } = (error instanceof Error ? error : {}) as Partial<AppError>;
  return `${JSON.stringify({ error: { kind, message: message ?? String(error), hint, fields } })}\n`;
}
