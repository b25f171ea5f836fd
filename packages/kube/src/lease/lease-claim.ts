import type { Clock } from '@scaler/scaler-types';
import type { KubeClient } from '../client/client.ts';
import { kinds, type Lease } from '../objects/kinds.ts';
import { isKubeError } from '../errors.ts';

export interface LeaseClaimOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly leaseDurationMs: number;
  readonly callTimeoutMs: number;
  readonly clock: Clock;
}

/** The Lease is ours; other processes count its duration from a moment after `sentAtMs` (monotonic). */
export interface Held {
  readonly sentAtMs: number;
  readonly transitions: number;
}

/** Reads and writes one Lease for one process. Each write is tied to the resourceVersion that was read. */
export class LeaseClaim {
  /** The holder when it was last read or written; undefined: none. */
  holder: string | undefined;
  #known: Lease | undefined;
  #seen: { readonly version: string; readonly atMs: number } | undefined;
  // A Lease in our name that this process has not written belongs to another process with the same identity.
  #claimed = false;
  readonly #options: LeaseClaimOptions;

  constructor(options: LeaseClaimOptions) {
    this.#options = options;
  }

  /**
   * Takes or renews the Lease if that is allowed; undefined when another process has it.
   *
   * @throws KubeError when the API cannot be asked or the answer was lost.
   */
  async attempt(signal: AbortSignal): Promise<Held | undefined> {
    try {
      return await this.#attempt(signal);
    } catch (error) {
      this.#known = undefined;
      // Another process was faster: the next read has its name.
      if (!isKubeError(error, 'conflict', 'already-exists', 'not-found')) throw error;
      return await this.#attempt(signal);
    }
  }

  /** Gives the Lease up if it is still ours. */
  async release(signal: AbortSignal): Promise<void> {
    const lease = await this.#read(signal);
    if (lease === undefined || lease.spec?.holderIdentity !== this.#options.identity) return;
    await this.#write(releasedLease(lease, this.#options.clock.now()), signal);
  }

  async #attempt(signal: AbortSignal): Promise<Held | undefined> {
    const { identity, leaseDurationMs, clock, namespace, name } = this.#options;
    const lease = this.#known ?? (await this.#read(signal));
    const holder = lease?.spec?.holderIdentity;
    if (lease !== undefined && holder === identity && this.#claimed) {
      return this.#put(renewedLease(lease, leaseDurationMs, clock.now()), signal);
    }
    // An empty one: the Lease is free.
    if (lease !== undefined && holder && !this.#expired(lease)) {
      this.#known = undefined;
      return undefined;
    }
    return this.#put(
      takenLease(lease ?? { metadata: { namespace, name } }, identity, leaseDurationMs, clock.now()),
      signal,
    );
  }

  /**
   * Whether the Lease was not written for its whole duration, by our own clock, from when we first read it so. The times in
   * the Lease are those of another machine's clock, and are not used.
   */
  #expired({ metadata, spec }: Lease): boolean {
    const nowMs = this.#options.clock.monotonic();
    const version = metadata?.resourceVersion ?? '';
    if (this.#seen?.version !== version) this.#seen = { version, atMs: nowMs };
    const seconds = spec?.leaseDurationSeconds;
    return nowMs - this.#seen.atMs > (seconds === undefined ? this.#options.leaseDurationMs : seconds * 1000);
  }

  async #put(lease: Lease, signal: AbortSignal): Promise<Held> {
    const sentAtMs = this.#options.clock.monotonic();
    this.#claimed = true;
    const written = await this.#write(lease, signal);
    return { sentAtMs, transitions: written.spec?.leaseTransitions ?? 0 };
  }

  async #write(lease: Lease, signal: AbortSignal): Promise<Lease> {
    const { client } = this.#options;
    const exists = lease.metadata?.resourceVersion !== undefined;
    const call = { signal, ...this.#call() };
    const written = await (exists ? client.replace(kinds.lease, lease, call) : client.create(kinds.lease, lease, call));
    this.#known = written;
    this.holder = written.spec?.holderIdentity || undefined;
    return written;
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#options;
    try {
      const lease = await client.get(kinds.lease, { namespace, name }, { signal, ...this.#call() });
      this.holder = lease.spec?.holderIdentity || undefined;
      return lease;
    } catch (error) {
      if (!isKubeError(error, 'not-found')) throw error;
      this.holder = undefined;
      return undefined;
    }
  }

  // The lane without a rate limit: a renewal that queues behind lists would lose the Lease.
  #call(): { readonly lane: 'wake'; readonly timeoutMs: number } {
    return { lane: 'wake', timeoutMs: this.#options.callTimeoutMs };
  }
}

/** The Lease as its new holder writes it. */
function takenLease(lease: Lease, identity: string, durationMs: number, nowMs: number): Lease {
  const now = microTime(nowMs);
  const first = lease.spec?.acquireTime === undefined;
  return {
    ...lease,
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      acquireTime: now,
      renewTime: now,
      leaseTransitions: first ? 0 : (lease.spec?.leaseTransitions ?? 0) + 1,
    },
  };
}

function renewedLease(lease: Lease, durationMs: number, nowMs: number): Lease {
  return {
    ...lease,
    spec: { ...lease.spec, leaseDurationSeconds: Math.ceil(durationMs / 1000), renewTime: microTime(nowMs) },
  };
}

/** A Lease that is free at once: the API wants a duration of at least a second. */
function releasedLease(lease: Lease, nowMs: number): Lease {
  return {
    ...lease,
    spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(nowMs) },
  };
}

// The API's MicroTime refuses fewer than six digits.
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
