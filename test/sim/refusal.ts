/** Thrown by the work of an operation that the state refuses, and by its model. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}
