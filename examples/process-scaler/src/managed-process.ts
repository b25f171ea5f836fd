import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { pauseInEffect, pauseText, type Phase, ScalerError, systemClock as clock } from '@scaler/scaler-types';
import type { ProcessDeclaration } from './declaration.ts';

const startLimitMs = 30_000;
const stopLimitMs = 10_000;
/** The pause after a failed start, doubled with each failure in a row. */
const firstPauseMs = 250;
const longestPauseMs = 2000;

/** One declared process: the only place where it is started and stopped, in one process, so every swap is atomic. */
export class ManagedProcess {
  phase: Phase = 'asleep';
  /** New at every change of phase; a swap has to name the current one. */
  epoch: string = randomUUID();
  /** ISO 8601. */
  busyUntil: string | undefined;
  readonly declaration: ProcessDeclaration;
  readonly #file: string;
  readonly #onChange: (one: ManagedProcess) => void;
  #child: ChildProcess | undefined;
  #waking: Promise<void> | undefined;
  /** The number of failed starts in a row. */
  #failed: { readonly count: number; readonly untilMs: number; readonly error: Error } | undefined;

  constructor(declaration: ProcessDeclaration, file: string, onChange: (one: ManagedProcess) => void) {
    this.declaration = declaration;
    this.#file = file;
    this.#onChange = onChange;
  }

  /** False: it is asleep already. */
  beginPark(): boolean {
    if (this.phase === 'asleep') return false;
    if (this.phase !== 'awake') throw new ScalerError('park-refused', `it is ${this.phase}`);
    if (this.#isBusy()) throw new ScalerError('park-refused', `it is busy until ${this.busyUntil}`);
    this.#enter('parking');
    return true;
  }

  cancelPark(epoch: string): void {
    if (this.phase === 'parking' && this.epoch === epoch) this.#enter('awake');
  }

  /** parking → asleep; resolves when it has ended. */
  async stop(epoch: string): Promise<void> {
    if (this.phase !== 'parking' || this.epoch !== epoch) {
      throw new ScalerError('park-cancelled', 'it was woken meanwhile');
    }
    if (this.#isBusy()) {
      this.#enter('awake');
      throw new ScalerError('park-cancelled', `it is busy until ${this.busyUntil}`);
    }
    this.#enter('asleep');
    await this.end();
  }

  /** Anything → awake; resolves when it accepts. Joins a start that is under way. */
  async wake(): Promise<void> {
    if (this.phase === 'parking') this.#enter('awake');
    if (this.phase === 'awake') return;
    const { pause } = this.declaration.resource;
    const mode = pauseInEffect(pause, clock.now());
    if (pause && (mode === 'asleep' || mode === 'as-is')) throw new ScalerError('paused', `it is ${pauseText(pause)}`);
    // A caller that asks again at once causes neither spawns nor changes again and again.
    if (this.#failed && clock.monotonic() < this.#failed.untilMs) throw this.#failed.error;
    this.#waking ??= this.#start().finally(() => (this.#waking = undefined));
    await this.#waking;
  }

  /** A later lease stays; undefined ends it. */
  keepBusy(until: string | undefined): void {
    const later = until !== undefined && Date.parse(this.busyUntil ?? '') >= Date.parse(until);
    if (!later) this.busyUntil = until;
    this.#onChange(this);
  }

  async end(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const cancel = clock.after(stopLimitMs, () => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
    cancel();
  }

  #isBusy(): boolean {
    return clock.now() < Date.parse(this.busyUntil ?? '');
  }

  async #start(): Promise<void> {
    this.#enter('waking');
    try {
      await this.end();
      await this.#startAndWait();
      this.#failed = undefined;
      this.#enter('awake');
    } catch (cause) {
      this.#enter('asleep');
      await this.end();
      const error = new ScalerError('wake-failed', `it does not start: ${(cause as Error).message}`);
      const count = (this.#failed?.count ?? 0) + 1;
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (count - 1));
      this.#failed = { count, untilMs: clock.monotonic() + pauseMs, error };
      throw error;
    }
  }

  async #startAndWait(): Promise<void> {
    const { command, port } = this.declaration;
    if (await accepts(port)) throw new Error(`port ${port} is taken by a process that is not ours`);
    const [program = '', ...args] = command;
    const child = spawn(program, args, { cwd: dirname(this.#file), stdio: ['ignore', 'inherit', 'inherit'] });
    let why: string | undefined;
    const onEnd = (what: unknown): void => {
      why = String(what);
      if (this.#child !== child) return;
      this.#child = undefined;
      // The process ended by itself: the next request starts it again.
      if (this.phase === 'awake' || this.phase === 'parking') this.#enter('asleep');
    };
    // There may be several errors, where no signal can be sent either; without a listener they would end the owner.
    child.on('error', onEnd);
    child.once('exit', (code, signal) => onEnd(`it ended with ${code ?? signal}`));
    this.#child = child;
    const limitMs = clock.monotonic() + startLimitMs;
    while (!(await accepts(port))) {
      if (clock.monotonic() > limitMs) why ??= `it does not accept on port ${port}`;
      if (why !== undefined) throw new Error(why);
      await clock.sleep(20);
    }
  }

  #enter(phase: Phase): void {
    this.phase = phase;
    this.epoch = randomUUID();
    this.#onChange(this);
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
