import { type EmbeddedSystem, systemNamespace } from '@scaler/demo';

/** The apps of a system as pods that can be killed. */
export interface Apps {
  /** The autoscaler that holds the Lease; undefined: none does. */
  leader(): string | undefined;
  /** Sends SIGKILL, now; the node starts it again. */
  kill(pod: string): void;
  /** Whether every pod of both is Ready. */
  readonly areReady: boolean;
}

export function appsOf({ api, kill }: EmbeddedSystem): Apps {
  return {
    leader() {
      const lease = api.store.find('coordination.k8s.io/v1/leases', systemNamespace, 'scaler-autoscaler');
      return (lease as { spec?: { holderIdentity?: string } } | undefined)?.spec?.holderIdentity || undefined;
    },
    kill: (pod) => kill(systemNamespace, pod, 'SIGKILL'),
    get areReady() {
      return ['dlx', 'autoscaler'].every((name) => {
        const { spec, status } = api.store.get('apps/v1/deployments', systemNamespace, name) as {
          spec?: { replicas?: number };
          status?: { readyReplicas?: number };
        };
        return status?.readyReplicas === spec?.replicas;
      });
    },
  };
}
