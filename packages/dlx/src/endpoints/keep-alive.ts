/** An app that closes idle connections closes none before so long, as far as is known: nothing is risked by then. */
const surelyMs = 250;
/** A connection is left so long before its endpoint closes it: by then nothing of ours is still on its way to it. */
const marginMs = 1000;
/** A new connection whose request hears nothing for so long may wait for the others to be closed. */
export const crowdedMs = 250;
/** So often in a row has a new connection to be answered just as the others were gone. */
const turnsThatProve = 2;
/** What was learnt is tried again after so long. */
const forgetAfterMs = 300_000;

/**
 * What was learnt of how one endpoint keeps connections, a few numbers. It says so (`Keep-Alive: timeout=`), closes one that
 * was idle, or serves none beside another.
 */
export class KeepAlive {
  /** Connections that stand, and have served. */
  standing = 0;
  /** It closes idle ones after so long. */
  #closesAfterMs = Number.POSITIVE_INFINITY;
  #learntAtMs = 0;
  /** By its word, or since one served again after so long. */
  #provenMs = 0;
  /** The most that were open when one of them was answered for the first time. */
  #most = 1;
  /** Monotonic; when one that stood was closed last. */
  #leftAtMs = Number.NEGATIVE_INFINITY;
  #turns = 0;
  #aloneUntilMs = 0;
  /** Monotonic; when a new one was silent last while it was full. */
  #crowdedAtMs = Number.NEGATIVE_INFINITY;

  /**
   * Whether a connection that was idle for so long may be used again. A request that may not be sent twice takes none whose end
   * might cross it: an app that closed it just then would have got the request, or not.
   */
  mayReuse(idleMs: number, keepMs: number, repeatable: boolean, nowMs: number): boolean {
    if (idleMs > this.keepMs(keepMs, nowMs)) return false;
    return repeatable || idleMs <= Math.max(surelyMs, this.#provenMs / 2);
  }

  /** How long an idle one is kept, where so long is asked for. */
  keepMs(askedMs: number, nowMs: number): number {
    if (this.#closesAfterMs === Number.POSITIVE_INFINITY) return askedMs;
    if (nowMs - this.#learntAtMs > forgetAfterMs) this.#closesAfterMs = Number.POSITIVE_INFINITY;
    return Math.min(askedMs, Math.max(this.#closesAfterMs - marginMs, this.#closesAfterMs / 2));
  }

  /** Whether each request has a connection of its own, whatever is asked for. */
  isAlone(nowMs: number): boolean {
    return nowMs < this.#aloneUntilMs || nowMs - this.#crowdedAtMs < 2 * crowdedMs;
  }

  /** It named how long it keeps one. */
  announced(ms: number): void {
    // What it shows says more.
    if (this.#learntAtMs === 0) this.#provenMs = Math.max(this.#provenMs, 2 * (ms - marginMs));
  }

  /** One that was idle for so long has answered again. */
  survived(idleMs: number): void {
    if (idleMs > this.#provenMs) this.#provenMs = idleMs;
  }

  /** It broke off under a request, on one that was idle for so long: a request may be at fault, too. */
  brokeOff(idleMs: number, nowMs: number): void {
    if (idleMs >= surelyMs) this.closed(idleMs, nowMs);
  }

  /** It closed one that was idle for so long. */
  closed(idleMs: number, nowMs: number): void {
    this.#provenMs = Math.min(this.#provenMs, idleMs);
    if (idleMs < this.#closesAfterMs) this.#closesAfterMs = idleMs;
    this.#learntAtMs = nowMs;
  }

  /** Whether as many stand as it was ever seen to serve, or more: another one may wait for one of them to be closed. */
  get isFull(): boolean {
    return this.standing >= this.#most;
  }

  /** A new connection hears nothing: none is kept idle beside it. */
  crowded(nowMs: number): void {
    this.#crowdedAtMs = nowMs;
  }

  /** One that stood is closed. */
  left(nowMs: number): void {
    this.standing -= 1;
    this.#leftAtMs = nowMs;
  }

  /** A new connection has its first answer, after so long. */
  answered(waitedMs: number, nowMs: number): void {
    if (this.standing >= this.#most) {
      this.#most = this.standing + 1;
      this.#turns = 0;
      return;
    }
    // It was silent while others stood, and spoke soon after they were gone.
    const sentMs = nowMs - waitedMs;
    if (this.#crowdedAtMs < sentMs || nowMs - this.#leftAtMs > waitedMs / 2) return;
    this.#turns += 1;
    if (this.#turns < turnsThatProve) return;
    this.#turns = 0;
    this.#aloneUntilMs = nowMs + forgetAfterMs;
  }
}

/** How long an endpoint says that it keeps a connection, by the raw fields of its answer; undefined: it does not say. */
export function keptMsOf(raw: readonly (Buffer | string)[]): number | undefined {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as Buffer | string;
    if (name.length !== 10 || name.toString('latin1').toLowerCase() !== 'keep-alive') continue;
    const [, seconds] = /(?:^|[,;])[ \t]*timeout[ \t]*=[ \t]*"?(\d{1,6})/i.exec(String(raw[i + 1])) ?? [];
    return seconds === undefined ? undefined : Number(seconds) * 1000;
  }
  return undefined;
}

/** A connection, as far as it tells of its endpoint. */
interface Told {
  readonly keepAlive: KeepAlive;
  readonly served: boolean;
  readonly idleMs: number;
}

/** An answer has begun on a connection: the first one says how long it is kept, any other shows it. */
export function learnFrom({ keepAlive, served, idleMs }: Told, raw: readonly (Buffer | string)[]): void {
  if (served) keepAlive.survived(idleMs);
  else keepAlive.announced(keptMsOf(raw) ?? 0);
}
