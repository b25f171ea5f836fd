import type { Metrics } from '@scaler/runtime';
import type { Core } from '../core.ts';
import { causeText } from '../outcome.ts';
import { addGauge } from './ledger.ts';
import type { MemoryMarks } from '../settings.ts';
import type { DataServer } from '../accept/data-server.ts';

export const memoryStages = ['normal', 'shedding', 'unready', 'restarting'] as const;
/** The stages of acting on memory; each does what those before it do. */
export type MemoryStage = (typeof memoryStages)[number];

/** Past the mark of the restart for so long. */
const restartAfterMs = 30_000;
const lookEveryMs = 500;
/** A stage is left so far below its mark, or a process at it would be ready by turns. */
const slack = 0.03;
const collectEveryMs = 5000;

export interface MemoryGuardOptions {
  readonly core: Pick<Core, 'shedding' | 'accounting' | 'clock' | 'logger'>;
  readonly server: Pick<DataServer, 'endIdle'>;
  readonly marks: MemoryMarks;
  readonly metrics: Metrics;
  /** Bytes that the process has. */
  readonly read: () => number;
  /** Gives back what is not in use. */
  readonly collect: () => void;
  /** Says whether the replica takes work; `reason` where it does not. */
  readonly ready: (ok: boolean, reason: string) => void;
}

/**
 * Acts on memory that no bound has kept down, before the kernel ends the process with all that it holds: it
 * sheds, then is no longer ready, and is started again at last, after a drain. What is held stays until that drain, so
 * that no tenant can end what others hold.
 */
export class MemoryGuard {
  stage: MemoryStage = 'normal';
  readonly #options: MemoryGuardOptions;
  #collectAtMs = 0;
  /** Monotonic; since when it has been past the mark of the restart. */
  #pastSinceMs: number | undefined;

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
    const { metrics, marks } = options;
    const stage =
      'What is done about memory: 0 nothing, 1 new requests are refused, 2 not ready, 3 started again after a drain.';
    addGauge(metrics, 'dlx_memory_stage', stage, () => memoryStages.indexOf(this.stage));
    const limit = 'The memory that the process may have, of which the stages are shares.';
    addGauge(metrics, 'dlx_memory_limit_bytes', limit, () => marks.limit);
  }

  /**
   * Looks until the signal aborts.
   *
   * @throws Error once the process has to be started again.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.core;
    while (!signal.aborted) {
      if (this.look() === 'restarting') throw new Error(`${this.#memoryText()} for ${restartAfterMs / 1000} s`);
      await clock.sleep(lookEveryMs, signal).catch(() => {});
    }
  }

  look(): MemoryStage {
    const { core, server, ready } = this.#options;
    const stage = this.#judge();
    if (stage !== this.stage) this.#logStage(stage);
    this.stage = stage;
    const past = stage !== 'normal';
    const { held, inFlight } = core.accounting;
    // With nothing under way there is nothing to shed: what it has is garbage, or is not given back, and is used again.
    core.shedding = past && held + inFlight > 0;
    const unready = stage === 'unready' || stage === 'restarting';
    ready(!unready, unready ? this.#memoryText() : '');
    if (past) {
      server.endIdle();
      this.#collect();
    }
    return stage;
  }

  #judge(): MemoryStage {
    const { core, marks, read } = this.#options;
    const { clock } = core;
    const share = read() / marks.limit;
    const at = memoryStages.indexOf(this.stage);
    const past = (stage: number, mark: number): boolean => share >= (at >= stage ? mark - slack : mark);
    if (share < marks.restart) this.#pastSinceMs = undefined;
    else this.#pastSinceMs ??= clock.monotonic();
    if (this.#pastSinceMs !== undefined && clock.monotonic() - this.#pastSinceMs >= restartAfterMs) return 'restarting';
    if (past(2, marks.unready)) return 'unready';
    return past(1, marks.shed) ? 'shedding' : 'normal';
  }

  #collect(): void {
    const { core, collect } = this.#options;
    const { clock, logger } = core;
    const nowMs = clock.monotonic();
    if (nowMs < this.#collectAtMs) return;
    this.#collectAtMs = nowMs + collectEveryMs;
    try {
      collect();
    } catch (error) {
      logger.warn('could not collect garbage', { cause: causeText(error) });
    }
  }

  #logStage(stage: MemoryStage): void {
    const { core } = this.#options;
    const { held, heldBytes, inFlight } = core.accounting;
    const fields = { stage, memory: this.#memoryText(), held, heldBytes, inFlight };
    if (stage === 'normal') core.logger.info('memory is below its marks again', fields);
    else core.logger.warn('memory is past a mark', fields);
  }

  #memoryText(): string {
    const { marks, read } = this.#options;
    const bytes = read();
    const percent = Math.round((bytes / marks.limit) * 100);
    return `memory is at ${percent} % of ${Math.round(marks.limit / 2 ** 20)} MiB`;
  }
}

/** Reads what the process has. That needs a file: where no more may be opened it is what it was. */
export function rssReader(read: () => number = () => process.memoryUsage.rss()): () => number {
  let last = 0;
  return () => {
    try {
      last = read();
    } catch {
      // It is tried again at the next look.
    }
    return last;
  };
}

/** Of the process, without stopping its loop. */
export function collectGarbage(): void {
  void globalThis.gc?.({ type: 'major', execution: 'async', flavor: 'last-resort' });
}
