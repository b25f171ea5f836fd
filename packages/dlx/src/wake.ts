import { errorCode, isTerminal, type CancelTimer, type ResourceRef, type WakeStep } from '@scaler/scaler-types';
import type { Exchange } from './exchange.ts';
import type { Gate } from './gate.ts';
import { WakeHistory } from './hold/wake-history.ts';
import { causeText } from './outcome.ts';
import { pauseRefusal } from './pause.ts';
import { type WakePhase, WakePhases } from './wake-phases.ts';

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
  /** Of the last wake that a request waited for. */
  #phases: WakePhases | undefined;

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

  /** A held request is let go to an endpoint. */
  released(): void {
    this.#phases?.reach('ready', this.#gate.core.clock.monotonic());
  }

  /** A request that was held begins to be answered. */
  answered({ startedMs }: Exchange): void {
    if (this.#phases?.covers(startedMs) === true) {
      this.#phases.reach('first_byte', this.#gate.core.clock.monotonic());
    }
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
    // Nobody waits any more, and nobody was let go: the next to come waits for a wake of his own.
    if (this.#phases?.isReady === false) this.#phases = undefined;
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
      const options = { signal: abort.signal, reason, progress: this.#progress() };
      const [result] = await Promise.race([scaler.setScale([gate.ref], 1, options), aborted]);
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
    const paused = errorCode(error) === 'paused' ? pauseRefusal(gate) : undefined;
    if (hopeless) gate.failHeld(paused ?? { outcome: 'wake-failed', detail: gate.hindrance });
    return error;
  }

  /** Takes the steps that the scaler tells of while the call lasts; other calls' are no longer ours. */
  #progress(): (resource: ResourceRef, step: WakeStep) => void {
    const { clock } = this.#gate.core;
    const call = this.#abortCall;
    const phases = this.#begin();
    return (_resource, step) => {
      const phase = phaseOf.get(step);
      if (phase !== undefined && this.#calling && this.#abortCall === call) phases?.reach(phase, clock.monotonic());
    };
  }

  /** The phases of the wake that is called for; undefined: awake already, it has nothing to wait for. */
  #begin(): WakePhases | undefined {
    const gate = this.#gate;
    if (gate.resource.phase === 'awake') return undefined;
    const arrivedMs = firstArrivalMs(gate);
    if (this.#phases?.isPastFor(arrivedMs) ?? true) this.#phases = new WakePhases(gate.core.accounting, arrivedMs);
    return this.#phases;
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

const phaseOf: ReadonlyMap<WakeStep, WakePhase> = new Map([
  ['written', 'call'],
  ['scheduled', 'scheduled'],
]);

function firstArrivalMs(gate: Gate): number {
  const heads = [...gate.lanes.values()].map(({ head }) => head?.startedMs ?? Number.POSITIVE_INFINITY);
  return Math.min(...heads);
}

function wakeReason(gate: Gate): string {
  for (const lane of gate.lanes.values()) {
    if (lane.head !== undefined) return `a request for ${lane.target.service}:${lane.target.port} arrived`;
  }
  return 'a request arrived';
}

/** Rejects once the signal aborts, so that a scaler which ignores its signal holds nobody. */
function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  // Of one that throws before anybody waits, this would be an error of nobody's: the process would die of it at its end.
  aborted.catch(() => {});
  return aborted;
}
