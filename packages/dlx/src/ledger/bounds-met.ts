import type { Metrics } from '@scaler/runtime';

/** Bounds that are met one by one, as the metric names them. */
export const boundNames = ['accept', 'connections', 'fields', 'informational', 'memory', 'stalled'] as const;

export type BoundName = (typeof boundNames)[number];

/** So many namespaces have series of their own; what the others meet is counted together, under no name. */
const mostNamespaces = 100;

/** Counts what came to a bound, by whose it was. */
export class BoundsMet {
  readonly #bind: (labels: { bound: BoundName; namespace: string }) => { inc(): void };
  readonly #namespaces = new Set<string>();

  constructor(metrics: Metrics) {
    const counter = metrics.counter({
      name: 'dlx_bounds_met_total',
      help: 'What came to a bound and got less than it wanted, by bound and namespace; none: of no known resource.',
      labels: ['bound', 'namespace'],
    });
    this.#bind = counter.bind;
    for (const bound of boundNames) this.#bind({ bound, namespace: '' });
  }

  /** `namespace` is that of a known resource, where there is one. */
  met(bound: BoundName, namespace = ''): void {
    const known = this.#namespaces.has(namespace);
    if (!known && this.#namespaces.size < mostNamespaces) this.#namespaces.add(namespace);
    this.#bind({ bound, namespace: this.#namespaces.has(namespace) ? namespace : '' }).inc();
  }
}
