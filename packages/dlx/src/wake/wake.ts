import { doublingMs } from '@scaler/async';
import { errorCode, isTerminal, type Phase, type ResourceRef, type WakeStep } from '@scaler/scaler-types';
import { causeText, type Refusal } from '../outcome.ts';
import { Breaker, WakePace, type WakePlace } from './wake-limits.ts';
import { WakeHistory, type WakePhase, WakePhases } from './wake-metrics.ts';
import { Explainer, firstArrivalMs, pausedAsleep, pauseRefusal, wakeReason, type WakeTarget } from './wake-target.ts';

const firstBackoffMs = 100;
const longestBackoffMs = 2000;
const recheckMs = 1000;

/**
 * One resource's wake, single flight: calls setScale as long as a request is held that it can help, one call at a time,
 * and in its turn where it starts something. A call that fails is remembered no longer than requests are held: the next
 * to come tries at once, unless wake after wake came to nothing.
 */
export class Wake {
  readonly #gate: WakeTarget;
  #running = false;
  /** Whether a setScale is under way. */
  calling = false;
  #endWait: (() => void) | undefined;
  #abortCall: AbortController | undefined;
  #place: WakePlace | undefined;
  /** Since it began, it had to wait for its turn. */
  #waitedInLine = false;
  readonly #explainer: Explainer;
  #explaining: AbortController | undefined;
  readonly breaker: Breaker;
  readonly #pace: WakePace;
  readonly history = new WakeHistory();
  closed = false;
  #again = false;
  /** Of the last wake that a request waited for. */
  #phases: WakePhases | undefined;

  constructor(gate: WakeTarget) {
    this.#gate = gate;
    this.breaker = new Breaker(gate.core.clock, gate.core.wakes.breakers);
    this.#pace = new WakePace(gate.core.clock);
    this.#explainer = new Explainer(gate, (cause) => this.#hopeless(cause));
  }

  /** Whether it waits for its turn, because others are under way. */
  get inLine(): boolean {
    return this.#place?.taken === false && !this.calling;
  }

  start(): void {
    if (this.#running || this.closed) return;
    this.#running = true;
    this.#waitedInLine = false;
    this.#explaining = new AbortController();
    void this.#explainer.run(this.#explaining.signal);
    void this.#run();
  }

  /** Asks the scaler once whether it can serve, without a request that is held. */
  check(): void {
    if (this.#running || this.closed || this.#pace.waitMs > 0) return;
    this.#running = true;
    void this.#call().then(() => {
      this.#running = false;
      if (this.#gate.held > 0) this.start();
    });
  }

  /** The refusal of a request that only a wake could help, where a pause forbids it, or wake after wake failed. */
  refusal(): Refusal | undefined {
    return pausedAsleep(this.#gate) ?? this.#brokenOff();
  }

  #brokenOff(): Refusal | undefined {
    const { breaker } = this;
    if (breaker.state === 'closed') return undefined;
    if (this.#gate.isOpen() && this.#gate.hasEndpoints()) breaker.close();
    if (breaker.admits()) return undefined;
    const when = `the next try is in ${Math.ceil((breaker.retryInMs ?? 0) / 1000)} s`;
    return { outcome: 'wake-failed', detail: `${breaker.cause} (${breaker.failures} wakes in a row failed, ${when})` };
  }

  /** Something shows that it can serve. */
  serves(): void {
    this.breaker.close();
    this.#place?.leave();
  }

  /** The scaler listed another phase. */
  phaseChanged(phase: Phase | undefined): void {
    if (phase === 'awake') this.breaker.close();
    else this.breaker.changed();
  }

  /**
   * A request was held for as long as any may be. That is a failed wake, once for all whose waits overlap, and not where
   * others were waited for.
   */
  timedOut(startedMs: number): void {
    if (this.#waitedInLine || startedMs < this.breaker.failedMs) return;
    const waitedMs = Math.round(this.#gate.core.clock.monotonic() - startedMs);
    this.breaker.failed(this.#gate.blockedReason ?? `not awake after ${waitedMs} ms`);
  }

  /** No request is held any more: the pause between two calls has no purpose. */
  idle(): void {
    this.#endWait?.();
  }

  /** The gate closed while requests are held: calls again, after the call that is under way if there is one. */
  again(): void {
    if (this.#endWait !== undefined) this.#endWait();
    else this.#again = this.#running;
  }

  /** A held request is let go to an endpoint. */
  released(): void {
    this.serves();
    this.#phases?.reach('ready', this.#gate.core.clock.monotonic());
  }

  /** A request that was held begins to be answered. */
  answered({ startedMs }: { readonly startedMs: number }): void {
    this.#pace.served();
    if (this.#phases?.covers(startedMs) === true) {
      this.#phases.reach('first_byte', this.#gate.core.clock.monotonic());
    }
  }

  close(): void {
    this.closed = true;
    this.#abortCall?.abort(new Error('the DLX stops'));
    this.#explaining?.abort();
    this.#place?.leave();
    this.breaker.close();
    this.idle();
  }

  async #run(): Promise<void> {
    const gate = this.#gate;
    let failures = 0;
    const turn = gate.core.wakeTurns.take();
    if (turn !== undefined) await turn;
    while (gate.held > 0 && !this.closed && !gate.removed) {
      let pauseMs = recheckMs;
      if (!gate.needsWake()) this.#leavePlace();
      else if (this.#pace.waitMs > 0) pauseMs = this.#slowDown();
      else if (this.#hasTurn()) {
        const error = await this.#call();
        if (error === undefined) failures = 0;
        else pauseMs = doublingMs(++failures, firstBackoffMs, longestBackoffMs);
      }
      if (gate.held > 0 && !this.closed && !this.#again) await this.#pause(pauseMs);
      this.#again = false;
    }
    this.#running = false;
    this.#leavePlace();
    // No request waits any more, and none was released: the next to come waits for a wake of its own.
    if (this.#phases?.isReady === false) this.#phases = undefined;
    this.#explaining?.abort();
  }

  /** Too many calls have led to no answer: milliseconds until the next. */
  #slowDown(): number {
    this.#leavePlace();
    this.#gate.blockedReason ??= `${this.#pace.unserved} calls of setScale in a row, and no request was answered`;
    return this.#pace.waitMs;
  }

  /** Whether it may call now. Where a call starts nothing it need not wait for its turn. */
  #hasTurn(): boolean {
    const { core, resource, ref } = this.#gate;
    if (resource.phase !== undefined && resource.phase !== 'asleep') {
      this.#leavePlace();
      return true;
    }
    const waited = this.#place !== undefined;
    this.#place ??= core.wakeLimits.enter(ref.namespace, () => this.#endWait?.());
    if (this.#place.taken) {
      if (waited) this.#gate.blockedReason = undefined;
      return true;
    }
    this.#waitedInLine = true;
    this.#gate.blockedReason = core.wakeLimits.reason(ref.namespace);
    return false;
  }

  #leavePlace(): void {
    this.#place?.leave();
    this.#place = undefined;
  }

  /** One setScale; undefined when it resolved, else what went wrong. */
  async #call(): Promise<unknown> {
    const gate = this.#gate;
    const { scaler, clock, wakes, logger, identity, settings } = gate.core;
    const { fenceSeq } = gate;
    const { phase } = gate.resource;
    const startedMs = clock.monotonic();
    const abort = new AbortController();
    this.#abortCall = abort;
    const limitMs = gate.resource.holdTimeoutMs ?? settings.holdTimeoutMs;
    const cancel = clock.after(limitMs, () => abort.abort(new Error(`setScale took longer than ${limitMs} ms`)));
    this.calling = true;
    this.#pace.called();
    let error: unknown;
    try {
      const reason = { by: `dlx ${identity}`, text: wakeReason(gate) };
      const options = { signal: abort.signal, reason, progress: this.#progress() };
      const [result] = await scaler.setScale([gate.ref], 1, options);
      if (result === undefined) throw new Error('setScale returned no result for the resource');
      if (!result.ok) throw result.error;
    } catch (e) {
      error = e ?? new Error('setScale failed without a reason');
    }
    this.calling = false;
    this.#leavePlace();
    cancel();
    if (error === undefined) {
      const tookMs = clock.monotonic() - startedMs;
      // Awake already, it had nothing to wait for.
      if (phase !== 'awake') this.history.add(tookMs);
      wakes.ended('ok');
      wakes.seconds.observe(tookMs / 1000);
      gate.confirm(fenceSeq);
      return undefined;
    }
    const hopeless = isTerminal(error);
    wakes.ended(hopeless ? 'terminal' : 'failed');
    // That it took too long hides no better reason.
    if (!abort.signal.aborted || gate.blockedReason === undefined) gate.blockedReason = causeText(error);
    logger.warn('wake failed', { ...gate.ref, resource: gate.key, err: error, terminal: hopeless });
    const paused = errorCode(error) === 'paused' ? pauseRefusal(gate) : undefined;
    if (paused !== undefined) gate.failHeld(paused);
    else if (hopeless) this.#hopeless(gate.blockedReason);
    return error;
  }

  #hopeless(cause: string): void {
    if (this.closed) return;
    this.#place?.leave();
    this.breaker.failed(cause);
    this.#gate.failHeld({ outcome: 'wake-failed', detail: cause });
  }

  /**
   * Takes the steps that the scaler reports while the call lasts, as phases of the wake that is called for; those of other
   * calls are no longer ours. Awake already, it has nothing to wait for.
   */
  #progress(): (resource: ResourceRef, step: WakeStep) => void {
    const { core, resource } = this.#gate;
    const call = this.#abortCall;
    const arrivedMs = firstArrivalMs(this.#gate);
    if (resource.phase !== 'awake' && this.#phases?.isPastFor(arrivedMs) !== false) {
      this.#phases = new WakePhases(core.wakes.phaseSeconds, arrivedMs);
    }
    const phases = resource.phase === 'awake' ? undefined : this.#phases;
    return (_resource, step) => {
      const phase = phaseOf.get(step);
      if (phase !== undefined && this.calling && this.#abortCall === call) phases?.reach(phase, core.clock.monotonic());
    };
  }

  async #pause(ms: number): Promise<void> {
    const wait = new AbortController();
    this.#endWait = () => wait.abort();
    await this.#gate.core.clock.sleep(ms, wait.signal).catch(() => {});
    this.#endWait = undefined;
  }
}

const phaseOf: ReadonlyMap<WakeStep, WakePhase> = new Map([
  ['written', 'call'],
  ['scheduled', 'scheduled'],
]);
