import type { Clock, Logger, ResourceRef } from '@scaler/scaler-types';
import type { Metrics } from '@scaler/runtime';

/** The part that ends by a fault. */
export type FaultEnds = 'request' | 'connection';

/** A log line each so often at most: a peer that makes us throw can do so often. */
const logEveryMs = 10_000;
/** So many namespaces have series of their own; what the others do is counted together, under no name. */
const mostNamespaces = 100;

/** Counts what peers sent and something of ours threw at, by whose it was. */
export class FaultCounter {
  readonly #bind: (labels: { ended: FaultEnds; namespace: string }) => { inc(): void };
  readonly #namespaces = new Set<string>();

  constructor(metrics: Metrics) {
    const counter = metrics.counter({
      name: 'dlx_faults_total',
      help: 'Throws at what a peer sent, by what each of them ended and its namespace; none: of no known resource.',
      labels: ['ended', 'namespace'],
    });
    this.#bind = counter.bind;
    for (const ended of ['request', 'connection'] as const) this.#bind({ ended, namespace: '' });
  }

  add(ended: FaultEnds, namespace = ''): void {
    if (!this.#namespaces.has(namespace) && this.#namespaces.size < mostNamespaces) this.#namespaces.add(namespace);
    this.#bind({ ended, namespace: this.#namespaces.has(namespace) ? namespace : '' }).inc();
  }
}

/** Reports faults: each is counted, and one is logged now and then, with its stack. */
export class Faults {
  readonly #counter: FaultCounter;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #loggedMs = Number.NEGATIVE_INFINITY;
  #unlogged = 0;

  constructor(counter: FaultCounter, clock: Clock, logger: Logger) {
    this.#counter = counter;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** `ref` is the resource's, where it is known. Never throws. */
  report(error: unknown, ended: FaultEnds, ref?: ResourceRef): void {
    this.#counter.add(ended, ref?.namespace);
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#loggedMs < logEveryMs) {
      this.#unlogged += 1;
      return;
    }
    const unlogged = this.#unlogged;
    this.#loggedMs = nowMs;
    this.#unlogged = 0;
    const what = `a ${ended} ended, because what a peer sent made this DLX throw`;
    this.#logger.error(what, { ...ref, unlogged, err: error });
  }
}
