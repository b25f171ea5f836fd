export interface Note {
  /** `performance.now()`. */
  readonly atMs: number;
  readonly text: string;
}

const kept = 600;

/** The latest events of one workload, for finding out why a request was lost. */
export class Journal {
  #notes: Note[] = [];

  note(text: string): void {
    this.#notes.push({ atMs: performance.now(), text });
    if (this.#notes.length > kept * 1.2) this.#notes = this.#notes.slice(-kept);
  }

  /** The events around a moment, as lines, in milliseconds from it. */
  around(atMs: number, beforeMs: number, afterMs: number): string[] {
    return this.#notes
      .filter((note) => note.atMs >= atMs - beforeMs && note.atMs <= atMs + afterMs)
      .map((note) => `${(note.atMs - atMs).toFixed(1).padStart(10)} ms  ${note.text}`);
  }
}
