/** Names under which sessions keep statements. A text gets one when it comes again, as long as there are few. */

const mostNamed = 200;
const mostSeen = 1000;
/** What is longer is a statement of its own more often than not, and each session would hold it. */
const mostCharacters = 8000;

export class StatementNames {
  readonly #seen = new Set<string>();
  readonly #names = new Map<string, string>();
  #generation = 0;

  of(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || text.length > mostCharacters || this.#names.size >= mostNamed) return known;
    if (!this.#seen.has(text)) {
      if (this.#seen.size >= mostSeen) this.#seen.clear();
      this.#seen.add(text);
      return undefined;
    }
    this.#seen.delete(text);
    const name = `eider_${this.#generation}_${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }

  /** None is used again: a table has changed, and the statements on it return other columns. */
  forget(): void {
    this.#generation++;
    this.#names.clear();
    this.#seen.clear();
  }
}
