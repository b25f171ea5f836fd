import type { Metrics } from '@scaler/runtime';
import type { Ledger } from './ledger.ts';

/** So many namespaces have series of their own, those that take the most. */
const mostNamespaces = 20;

/** Shows what is taken of memory, and by which namespace. */
export function addLedgerMetrics(metrics: Metrics, ledger: Ledger): void {
  metrics.gauge({
    name: 'dlx_ledger_bytes',
    help: 'Memory as it is counted, in bytes: held (with pipelined), in_flight (with connections), kept (of what ended).',
    labels: ['kind'],
    collect: (set) => {
      set({ kind: 'held' }, ledger.held);
      set({ kind: 'in_flight' }, ledger.inFlight);
      set({ kind: 'kept' }, ledger.kept);
    },
  });
  metrics.gauge({
    name: 'dlx_ledger_limit_bytes',
    help: 'What these may be in all, which --hold-bytes-total sets.',
    collect: (set) => set({}, ledger.limit),
  });
  metrics.gauge({
    name: 'dlx_ledger_namespace_bytes',
    help: 'What is held and in flight, by namespace: the twenty that take the most, and none for all others.',
    labels: ['namespace'],
    collect: (set) => {
      const most = [...ledger.namespaces.values()].filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
      set(
        { namespace: '' },
        most.slice(mostNamespaces).reduce((sum, { bytes }) => sum + bytes, 0),
      );
      for (const { name, bytes } of most.slice(0, mostNamespaces)) set({ namespace: name }, bytes);
    },
  });
}
