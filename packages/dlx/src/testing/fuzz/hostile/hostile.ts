import { setTimeout as sleep } from 'node:timers/promises';
import { type Conversation, conversationOf, tell } from './conversation.ts';
import { hangMs, spentInVain } from './process/liveness.ts';
import type { HostileOptions, HostileReport } from './hostile-options.ts';
import { outcomesIn, unsettled, valueOf } from './judge.ts';
import { Neighbour } from './neighbour.ts';
import type { Slot } from './slot.ts';
import { addressOf, Stage } from './stage.ts';

/** What ended so long before the last answer of `/readyz` may still be to blame for what came next. */
const blamedMs = 1500;
const isolateMs = 60_000;
/** So many suspects are tried at once. */
const isolateAtOnce = 12;
/** Whether it is answered is not what is asked then. */
const repeatMs = 300;
/** What failed so long before the last answer, or later, failed for what came next. */
const consequenceMs = 3000;

/** Plays conversations with a DLX in a process of its own, and looks after that process all along. */
export async function hostile(options: HostileOptions): Promise<HostileReport> {
  const run = new HostileRun(options);
  try {
    return await run.all();
  } finally {
    await run.close();
  }
}

interface Played {
  readonly conversation: Conversation;
  /** Monotonic; Infinity while it goes on. */
  endedAtMs: number;
}

class HostileRun {
  readonly #options: Required<Omit<HostileOptions, 'only' | 'protocol' | 'stands' | 'onProgress'>> & HostileOptions;
  readonly #stage: Stage;
  readonly #neighbour: Neighbour;
  readonly #failures: string[] = [];
  /** Of single conversations: failures unless the process turns out to have been gone. */
  #doubts: { readonly atMs: number; readonly text: string }[] = [];
  readonly #newest = new Set<Played>();
  readonly #stop = new AbortController();
  #next: number;
  #played = 0;
  #exits = 0;
  #hangs = 0;
  #restBytes = 0;
  #peakBytes = 0;
  #restFiles = 0;
  #longestTurnMs = 0;
  #accepted = 0;
  /** When `/readyz` answered last. */
  #livedAtMs = 0;
  /** While another process is started. */
  #recovering: Promise<void> | undefined;

  constructor(options: HostileOptions) {
    this.#options = {
      from: 0,
      parallel: 128,
      ledgerMegabytes: 256,
      preloads: [],
      most: 10,
      settleMs: 20_000,
      hangCpuMs: 3000,
      turnLimitMs: 100,
      isolates: true,
      ...options,
    };
    const { from, parallel, only, ledgerMegabytes, preloads } = this.#options;
    this.#next = from;
    this.#stage = new Stage({ slots: only === undefined ? parallel : 1, ledgerMegabytes, preloads });
    this.#neighbour = new Neighbour(() => this.#stage.dlx.port);
  }

  async all(): Promise<HostileReport> {
    await this.#stage.begin();
    await this.#atRest();
    const { signal } = this.#stop;
    const neighbours = this.#neighbour.run(signal);
    const watches = [this.#watchRss(signal), this.#watchLife(signal)];
    await Promise.all(this.#stage.slots.map((slot) => this.#work(slot)));
    await this.#livesAfter(performance.now());
    this.#stop.abort();
    await Promise.all([neighbours, ...watches]);
    const metrics = await this.#settle();
    await this.#leave();
    this.#failures.push(
      ...this.#doubts.map(({ text }) => text),
      ...this.#neighbour.failures.slice(0, 5).map(({ text }) => text),
    );
    return this.#report(metrics);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#stage.end();
  }

  get #boundBytes(): number {
    return this.#restBytes + 1.2 * this.#options.ledgerMegabytes * 2 ** 20;
  }

  /** Failures that nothing later can take back. */
  get #confirmed(): number {
    const beforeMs = this.#livedAtMs - consequenceMs;
    return this.#failures.length + this.#doubts.filter(({ atMs }) => atMs < beforeMs).length;
  }

  #report(metrics: string): HostileReport {
    return {
      failures: this.#failures,
      played: this.#played,
      accepted: this.#accepted + valueOf(metrics, 'scaler_dlx_accepted_total'),
      outcomes: outcomesIn(metrics),
      ...{ exits: this.#exits, hangs: this.#hangs },
      ...{ restBytes: this.#restBytes, peakBytes: this.#peakBytes, boundBytes: this.#boundBytes },
      longestTurnMs: this.#longestTurnMs,
      ...{ neighbourAsked: this.#neighbour.asked, neighbourSlowestMs: this.#neighbour.slowestMs },
    };
  }

  async #work(slot: Slot): Promise<void> {
    const { from, count, only, protocol, seed, most, onProgress, stands } = this.#options;
    while (this.#next < (only === undefined ? from + count : from + 1) && this.#confirmed < most) {
      await this.#recovering;
      const index = only ?? this.#next;
      this.#next += 1;
      const host = slot.host.bind(slot);
      const conversation = stands?.(index, slot) ?? conversationOf(seed, index, host);
      if (protocol !== undefined && conversation.protocol !== protocol) continue;
      await this.#play(slot, conversation);
      if (this.#played % 5000 === 0) onProgress?.(`${this.#played} of ${count}, ${this.#failures.length} failures`);
    }
  }

  async #play(slot: Slot, conversation: Conversation): Promise<void> {
    const { dlx } = this.#stage;
    const one: Played = { conversation, endedAtMs: Infinity };
    this.#newest.add(one);
    const wrong = await slot.play(conversation, this.#stage.doors, addressOf(conversation.index));
    one.endedAtMs = performance.now();
    this.#played += 1;
    for (const old of this.#newest) if (old.endedAtMs < this.#livedAtMs - blamedMs) this.#newest.delete(old);
    // What breaks off with the process is no fault of its own.
    if (wrong === undefined || this.#recovering !== undefined || dlx.exit !== undefined || dlx !== this.#stage.dlx)
      return;
    this.#doubts.push({ atMs: performance.now(), text: `${wrong}: ${tell(this.#options.seed, conversation)}` });
  }

  /** What it takes with nothing to do. */
  async #atRest(): Promise<void> {
    await sleep(500);
    const { dlx } = this.#stage;
    this.#restBytes = dlx.rssBytes();
    this.#restFiles = dlx.files();
    this.#longestTurnMs = Math.max(this.#longestTurnMs, dlx.longestTurnMs);
    dlx.watchTurns((ms) => this.#turned(ms));
  }

  #turned(ms: number): void {
    this.#longestTurnMs = Math.max(this.#longestTurnMs, ms);
    if (ms <= this.#options.turnLimitMs || this.#recovering !== undefined) return;
    this.#failures.push(`a turn of the loop took ${ms} ms of CPU time, while there were ${this.#blamed()}`);
  }

  async #watchRss(signal: AbortSignal): Promise<void> {
    let told = false;
    while (!signal.aborted) {
      const bytes = this.#recovering === undefined ? this.#stage.dlx.rssBytes() : 0;
      this.#peakBytes = Math.max(this.#peakBytes, bytes);
      if (bytes > this.#boundBytes && !told) {
        told = true;
        const [is, may] = [bytes, this.#boundBytes].map((one) => (one / 2 ** 20).toFixed(0));
        this.#failures.push(`${is} MB of memory, of ${may} allowed, while there were ${this.#blamed()}`);
      }
      await sleep(50, undefined, { signal }).catch(() => {});
    }
  }

  async #watchLife(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { dlx } = this.#stage;
      const askedAtMs = performance.now();
      const spentMs = await this.#spentInVain();
      if (spentMs === undefined) this.#livedAtMs = askedAtMs;
      if (spentMs !== undefined || dlx.crashed) {
        if (dlx.crashed) this.#exits += 1;
        else this.#hangs += 1;
        const what = dlx.crashed ? (dlx.exit ?? 'crashed') : `gave no answer at /readyz in ${spentMs} ms of CPU time`;
        this.#recovering = this.#recover(what, dlx.log()).finally(() => (this.#recovering = undefined));
        await this.#recovering;
      }
      await sleep(100, undefined, { signal }).catch(() => {});
    }
  }

  #spentInVain(): Promise<number | undefined> {
    return spentInVain(this.#stage.dlx, this.#options.hangCpuMs, this.#stop.signal);
  }

  /** After an exit or a hang: tells of it, looks for who did it, and starts another process. */
  async #recover(what: string, log: string): Promise<void> {
    this.#options.onProgress?.(`the DLX ${what}`);
    const sinceMs = this.#livedAtMs - consequenceMs;
    const suspects = [...this.#newest]
      .sort((a, b) => b.endedAtMs - a.endedAtMs)
      .map(({ conversation }) => conversation);
    this.#newest.clear();
    const culprit = this.#options.isolates ? await this.#culprit(suspects) : '';
    this.#failures.push(`the DLX ${what}\n${log.split('\n').slice(-40).join('\n')}\n  ${culprit}`);
    this.#options.onProgress?.(culprit);
    await this.#stage.restart();
    await this.#atRest();
    this.#doubts = this.#doubts.filter(({ atMs }) => atMs < sinceMs);
    const { failures } = this.#neighbour;
    failures.splice(0, failures.length, ...failures.filter(({ atMs }) => atMs < sinceMs));
  }

  /** Plays suspects again, a few at once, then each of those alone that it happens with. */
  async #culprit(suspects: readonly Conversation[]): Promise<string> {
    const endsAtMs = performance.now() + isolateMs;
    const { slots } = this.#stage;
    await this.#stage.restart();
    for (let at = 0; at < suspects.length && performance.now() < endsAtMs; at += isolateAtOnce) {
      const few = suspects.slice(at, at + isolateAtOnce);
      await Promise.all(few.map(({ index }, i) => this.#repeat(index, slots[i % slots.length])));
      if (await this.#lives()) continue;
      await this.#stage.restart();
      let alive = true;
      for (const { index } of few) {
        for (let time = 0; time < 3 && alive; time++) {
          await this.#repeat(index, slots[0]);
          alive = await this.#lives();
        }
        if (alive) continue;
        return `alone it does so after ${tell(this.#options.seed, this.#again(index, slots[0] as Slot))}`;
      }
      return `it does so after ${few.map(({ index }) => index).join(' ')} together`;
    }
    return `none of ${suspects.length} does it again: ${suspects.map(({ index }) => index).join(' ')}`;
  }

  /** The process answered after that, be it another one by then: what ended it last is found, too. */
  async #livesAfter(atMs: number): Promise<void> {
    while (this.#livedAtMs < atMs) {
      await this.#recovering;
      await sleep(20);
    }
  }

  async #lives(): Promise<boolean> {
    return (await this.#spentInVain()) === undefined;
  }

  async #repeat(index: number, slot: Slot | undefined): Promise<void> {
    if (slot !== undefined) await slot.play(this.#again(index, slot), this.#stage.doors, addressOf(index), repeatMs);
  }

  #again(index: number, slot: Slot): Conversation {
    return this.#options.stands?.(index, slot) ?? conversationOf(this.#options.seed, index, slot.host.bind(slot));
  }

  #blamed(): string {
    const numbers = [...this.#newest].map(({ conversation }) => conversation.index);
    return `conversations ${numbers.join(' ')} (--seed ${this.#options.seed})`;
  }

  /** All that was accepted has ended, and nothing is left of it. Returns the metrics. */
  async #settle(): Promise<string> {
    const { dlx, slots } = this.#stage;
    for (const slot of slots) slot.close();
    const { settleMs } = this.#options;
    const endsAtMs = performance.now() + settleMs;
    for (;;) {
      const metrics = (await dlx.ask('/metrics', hangMs))?.body ?? '';
      const left = metrics === '' ? ['/metrics had no answer'] : unsettled(metrics);
      const files = dlx.files() - this.#restFiles;
      if (files > 8) left.push(`${files} descriptors more are open than at rest`);
      if (left.length === 0) return metrics;
      if (performance.now() > endsAtMs) {
        this.#failures.push(`${settleMs} ms after the last conversation: ${left.join('; ')}`);
        return metrics;
      }
      await sleep(200);
    }
  }

  async #leave(): Promise<void> {
    const { dlx } = this.#stage;
    await dlx.end('SIGTERM');
    if (dlx.exit !== 'exited with 0') this.#failures.push(`at SIGTERM it ${dlx.exit}\n${dlx.log()}`);
  }
}
