import type { Clock } from '@scaler/scaler-types';

/** Equal questions within so long share one answer. */
export const sharedForMs = 1_000;
const mostKeys = 1_000;

/** Answers by what was asked, each made once and shared for a second. */
export class SharedAnswers<T> {
  readonly #clock: Clock;
  readonly #answers = new Map<string, { answer: T; atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string, make: () => T): T {
    const known = this.recent(key);
    if (known !== undefined) return known;
    const answer = make();
    this.#answers.delete(key);
    this.#answers.set(key, { answer, atMs: this.#clock.monotonic() });
    if (this.#answers.size > mostKeys) {
      const [oldest = ''] = this.#answers.keys();
      this.#answers.delete(oldest);
    }
    return answer;
  }

  /** The answer that is shared; undefined: there is none. */
  recent(key: string): T | undefined {
    const known = this.#answers.get(key);
    return known !== undefined && this.#clock.monotonic() - known.atMs < sharedForMs ? known.answer : undefined;
  }

  forget(key: string): void {
    this.#answers.delete(key);
  }

  get size(): number {
    return this.#answers.size;
  }
}
