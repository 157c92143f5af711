/** The `type` of a problem document, which leads to its section of docs/errors.md. */
export function problemType(code: string): string {
  return `https://github.com/eider-db/eider/blob/main/docs/errors.md#${code}`;
}
