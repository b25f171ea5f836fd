import type { CancelTimer, Explanation, ResourceRef } from '@scaler/scaler-types';
import type { Core } from '../core.ts';
import { keptText } from '../ledger/kept-text.ts';

/** A pod's failure reaches held requests within 2 s; a scaler answers from what it has watched. */
const everyMs = 500;
/** Characters of it that are kept. */
const mostCause = 1000;

/** A resource that is being woken. */
export interface Explained {
  readonly core: Pick<Core, 'scaler' | 'clock' | 'logger'>;
  readonly ref: ResourceRef;
  /** Why it is blocked, as last heard. */
  blockedReason: string | undefined;
  needsWake(): boolean;
  readonly wake: { readonly inLine: boolean };
}

/** Asks the scaler, while a wake lasts, what stands in its way. */
export class Explainer {
  readonly #gate: Explained;
  readonly #onHopeless: (cause: string) => void;
  #cancel: CancelTimer | undefined;
  #running = false;
  /** The reason that it gave last. */
  #lastReason: string | undefined;

  constructor(gate: Explained, onHopeless: (cause: string) => void) {
    this.#gate = gate;
    this.#onHopeless = onHopeless;
  }

  start(): void {
    if (this.#gate.core.scaler.explain === undefined || this.#running) return;
    this.#running = true;
    this.#schedule();
  }

  stop(): void {
    this.#running = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(): void {
    this.#cancel?.();
    this.#cancel = this.#gate.core.clock.after(everyMs, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    const { core, ref } = this.#gate;
    // In line for its turn nothing was started that could have failed.
    if (this.#gate.needsWake() && !this.#gate.wake.inLine) {
      try {
        const explanation = await core.scaler.explain?.(ref);
        if (this.#running && this.#gate.needsWake()) this.#take(explanation);
      } catch (error) {
        core.logger.debug('explain failed', { ...ref, err: error });
      }
    }
    if (this.#running) this.#schedule();
  }

  #take(explanation: Explanation | undefined): void {
    const reason = explanation && keptText(`${explanation.reason}: ${explanation.text}`, mostCause);
    // A reason that came from elsewhere meanwhile stays.
    if (reason !== undefined || this.#gate.blockedReason === this.#lastReason) this.#gate.blockedReason = reason;
    this.#lastReason = reason;
    if (reason !== undefined && explanation?.hopeless === true) this.#onHopeless(reason);
  }
}
