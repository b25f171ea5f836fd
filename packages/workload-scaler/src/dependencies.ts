import type { PortBook } from './ports/port-label.ts';
import type { DlxAddresses } from './dlx/dlx-addresses.ts';
import type { Endpoints } from './endpoints/endpoints.ts';
import type { KubeClient } from '@scaler/kube';
import type { Clock, Logger, ResourceRef, ScalerContext } from '@scaler/scaler-types';
import type { Announce } from './events/announce.ts';
import type { AtRest } from './cache/at-rest.ts';
import type { History } from './cache/history.ts';
import type { Lookup } from './cache/lookup.ts';
import type { Memory } from './cache/memory.ts';
import type { Namespaces } from './cache/namespaces.ts';
import type { Options } from './config/options.ts';
import type { WarnOwner } from './events/owner-log.ts';
import type { StartThrottle } from './act/start-throttle.ts';
import type { Reachability } from './dlx/reachability.ts';
import type { Conflicts } from './conflict/conflicts.ts';
import type { Stores } from './cache/stores.ts';
import type { WorkloadKinds } from './workload/kind.ts';
import type { Watching } from './endpoints/watching.ts';

/** What every part of the scaler stands on; one per process. */
export interface Dependencies {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly role: ScalerContext['role'];
  readonly options: Options;
  /** Which workloads are scaled; where names meet, the first wins. */
  readonly kinds: WorkloadKinds;
  /**
   * Undefined unless everything is being handed back for good: then every workload is as if it were not opted in. `hasty`: what
   * is not up by now is not waited for, its Services are restored all the same.
   */
  readonly uninstall: { readonly hasty: boolean } | undefined;
  readonly stores: Stores;
  readonly namespaces: Namespaces;
  readonly lookup: Lookup;
  readonly endpoints: Endpoints;
  /** Undefined where no DLX Service is named, and in the DLX itself. */
  readonly dlx: DlxAddresses | undefined;
  /** Whether there has been no DLX for longer than the dead-man switch. */
  readonly isDlxGone: () => boolean;
  /** Whose turn it is to be started when there is none. */
  readonly startThrottle: StartThrottle;
  readonly memory: Memory;
  readonly atRest: AtRest;
  readonly history: History;
  readonly reachability: Reachability;
  readonly conflicts: Conflicts;
  readonly portBook: PortBook;
  readonly announce: Announce;
  readonly warnOwner: WarnOwner;
  /** Events that were lost, by namespace. */
  readonly lostEvents: ReadonlyMap<string, number>;
  readonly watching: Watching;
  /** Resources that this process parks right now; nothing else touches them meanwhile. */
  readonly parks: Set<string>;
  /** Resources that this process reconciles right now. A park waits for the end of it: no write of it may land later. */
  readonly repairs: Map<string, Promise<unknown>>;
  /** Has a resource looked at, soon or in `ms`; the soonest look counts. */
  readonly enqueue: (ref: ResourceRef, ms?: number) => void;
}
