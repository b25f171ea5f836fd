import { isTerminal, type CancelTimer } from '@scaler/scaler-types';
import type { Gate } from './gate.ts';
import { WakeHistory } from './hold/wake-history.ts';
import { causeText } from './outcome.ts';

const firstBackoffMs = 100;
const longestBackoffMs = 2000;
const recheckMs = 1000;
const explainEveryMs = 1000;

/**
 * One resource's wake, single flight: calls setScale as long as somebody is held whom it can help, one call at a time.
 * A failure is remembered no longer than those who are held: the next to come tries at once.
 */
export class Wake {
  readonly #gate: Gate;
  #running = false;
  #calling = false;
  #endWait: (() => void) | undefined;
  #abortCall: AbortController | undefined;
  #cancelExplain: CancelTimer | undefined;
  readonly history = new WakeHistory();
  closed = false;
  #again = false;

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  /** Whether a setScale is under way. */
  get calling(): boolean {
    return this.#calling;
  }

  start(): void {
    if (this.#running || this.closed) return;
    this.#running = true;
    this.#scheduleExplain();
    void this.#run();
  }

  /** Nobody is held any more: the pause between two calls has no purpose. */
  idle(): void {
    this.#endWait?.();
  }

  /** The gate closed while somebody is held: calls again, after the call that is under way if there is one. */
  again(): void {
    if (this.#endWait !== undefined) this.#endWait();
    else this.#again = this.#running;
  }

  close(): void {
    this.closed = true;
    this.#abortCall?.abort(new Error('the DLX stops'));
    this.#cancelExplain?.();
    this.idle();
  }

  async #run(): Promise<void> {
    const gate = this.#gate;
    let failures = 0;
    while (gate.held > 0 && !this.closed && !gate.removed) {
      let pauseMs = recheckMs;
      if (gate.needsWake()) {
        const error = await this.#call();
        if (error === undefined) failures = 0;
        else pauseMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** failures++);
      }
      if (gate.held > 0 && !this.closed && !this.#again) await this.#pause(pauseMs);
      this.#again = false;
    }
    this.#running = false;
    this.#cancelExplain?.();
  }

  /** One setScale; undefined when it resolved, else what went wrong. */
  async #call(): Promise<unknown> {
    const gate = this.#gate;
    const { scaler, clock, accounting, logger, identity, settings } = gate.core;
    const { fenceSeq } = gate;
    const { phase } = gate.resource;
    const startedMs = clock.monotonic();
    const abort = new AbortController();
    this.#abortCall = abort;
    const limitMs = gate.resource.holdTimeoutMs ?? settings.holdTimeoutMs;
    const cancel = clock.after(limitMs, () => abort.abort(new Error(`setScale took longer than ${limitMs} ms`)));
    this.#calling = true;
    let error: unknown;
    try {
      const reason = { by: `dlx ${identity}`, text: wakeReason(gate) };
      const aborted = rejectOnAbort(abort.signal);
      const [result] = await Promise.race([scaler.setScale([gate.ref], 1, { signal: abort.signal, reason }), aborted]);
      if (result === undefined) throw new Error('setScale told nothing of the resource');
      if (!result.ok) throw result.error;
    } catch (e) {
      error = e ?? new Error('setScale failed without a reason');
    }
    this.#calling = false;
    cancel();
    if (error === undefined) {
      const tookMs = clock.monotonic() - startedMs;
      // Awake already, it had nothing to wait for.
      if (phase !== 'awake') this.history.add(tookMs);
      accounting.wakeEnded('ok');
      accounting.wakeSeconds.observe(tookMs / 1000);
      gate.confirm(fenceSeq);
      return undefined;
    }
    const hopeless = isTerminal(error);
    accounting.wakeEnded(hopeless ? 'terminal' : 'failed');
    gate.hindrance = causeText(error);
    logger.warn('wake failed', { ...gate.ref, resource: gate.key, err: error, terminal: hopeless });
    if (hopeless) gate.failHeld({ outcome: 'wake-failed', detail: gate.hindrance });
    return error;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#endWait = undefined;
        resolve();
      };
      const cancel = this.#gate.core.clock.after(ms, end);
      this.#endWait = end;
    });
  }

  #scheduleExplain(): void {
    if (this.#gate.core.scaler.explain === undefined) return;
    this.#cancelExplain = this.#gate.core.clock.after(explainEveryMs, () => void this.#explain());
  }

  async #explain(): Promise<void> {
    const gate = this.#gate;
    if (gate.needsWake()) {
      try {
        const explanation = await gate.core.scaler.explain?.(gate.ref);
        if (explanation !== undefined && gate.needsWake()) {
          gate.hindrance = `${explanation.reason}: ${explanation.text}`;
          if (explanation.hopeless) gate.failHeld({ outcome: 'wake-failed', detail: gate.hindrance });
        }
      } catch (error) {
        gate.core.logger.debug('explain failed', { ...gate.ref, err: error });
      }
    }
    if (this.#running && !this.closed) this.#scheduleExplain();
  }
}

function wakeReason(gate: Gate): string {
  for (const lane of gate.lanes.values()) {
    if (lane.head !== undefined) return `a request for ${lane.target.service}:${lane.target.port} arrived`;
  }
  return 'a request arrived';
}

/** Rejects once the signal aborts, so that a scaler which ignores its signal holds nobody. */
function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
