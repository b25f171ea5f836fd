import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How one run of a suite ended. A run that was stopped leaves none. */
export interface Result {
  readonly command: string;
  readonly passed: boolean;
  readonly exitCode: number;
  readonly seconds: number;
  /** ISO 8601. */
  readonly endedAt: string;
}

/** The results of one commit, a file each beside the suite's log, so that a proof goes on where it was stopped. */
export class Results {
  readonly folder: string;

  constructor(folder: string, commit: string) {
    this.folder = join(folder, commit);
    mkdirSync(this.folder, { recursive: true });
  }

  logOf(suite: string): string {
    return join(this.folder, `${suite}.log`);
  }

  get(suite: string): Result | undefined {
    try {
      return JSON.parse(readFileSync(this.#file(suite), 'utf8')) as Result;
    } catch {
      return undefined;
    }
  }

  set(suite: string, result: Result): void {
    writeFileSync(this.#file(suite), `${JSON.stringify(result, null, 2)}\n`);
  }

  #file(suite: string): string {
    return join(this.folder, `${suite}.json`);
  }
}
