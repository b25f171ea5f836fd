import type { AuditEntry } from '@scaler/testing-kit/kubernetes';
import { type EmbeddedSystem, systemNamespace } from '@scaler/demo';

/** One write of an autoscaler that the API carried out. */
export interface Act {
  /** `<pod>.<pid>`. */
  readonly process: string;
  /** The process that held the Lease when it was carried out. */
  readonly holder: string | undefined;
  /** The workload that it was written to. */
  readonly resource: string;
  /** `performance.now()`. */
  readonly atMs: number;
}

/** The writes of the autoscalers to the workloads of one namespace, from the API's audit. */
export interface Acts {
  readonly all: readonly Act[];
  /** The process that holds the Lease. */
  readonly holder: string | undefined;
  /** Forgets the acts so far. */
  clear(): void;
}

const leases = 'coordination.k8s.io/v1/leases';
const writes: readonly string[] = ['create', 'update', 'patch', 'delete'];

export function followActs({ api }: EmbeddedSystem, namespace: string): Acts {
  let all: Act[] = [];
  let holder: string | undefined;
  api.audit.onEntry((entry) => {
    if (!entry.userAgent.startsWith('scaler-autoscaler') || !writes.includes(entry.verb) || entry.status >= 300) return;
    if (entry.gvr === leases && entry.namespace === systemNamespace) holder = holderAfter(entry);
    if (entry.namespace !== namespace || entry.gvr === 'v1/events') return;
    all.push({ process: entry.user, holder, resource: resourceOf(entry), atMs: performance.now() });
  });
  return {
    get all() {
      return all;
    },
    get holder() {
      return holder;
    },
    clear: () => void (all = []),
  };
}

function holderAfter({ user, body }: AuditEntry): string | undefined {
  const { spec = {} } = JSON.parse(body) as { spec?: { holderIdentity?: string | null } };
  return spec.holderIdentity ? user : undefined;
}

function resourceOf({ name, body }: AuditEntry): string {
  const named = name === '' ? (JSON.parse(body) as { metadata: { name: string } }).metadata.name : name;
  return named.replace(/-scaler-ipv4$/, '');
}

/** The writes of two processes to the same resources. */
export interface Overlap {
  /** Resources that both wrote to, one after the other. */
  readonly handedOver: number;
  /** Resources that one process wrote to after the other had begun. */
  readonly contested: readonly string[];
  /** Writes of a process that did not hold the Lease. */
  readonly withoutLease: number;
}

export function overlapOf(acts: readonly Act[]): Overlap {
  const turns = new Map<string, string[]>();
  for (const { resource, process } of acts) {
    const own = turns.get(resource) ?? [];
    if (own.at(-1) !== process) turns.set(resource, [...own, process]);
  }
  const each = [...turns.entries()];
  return {
    handedOver: each.filter(([, own]) => own.length === 2).length,
    contested: each.flatMap(([resource, own]) => (new Set(own).size < own.length ? [resource] : [])),
    withoutLease: acts.filter(({ process, holder }) => process !== holder).length,
  };
}
