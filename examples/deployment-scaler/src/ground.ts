import type { DlxAddresses, Endpoints, KubeClient } from '@scaler/kube';
import type { Clock, Logger, ResourceRef, ScalerContext } from '@scaler/scaler-types';
import type { Announce, AnnounceNamespace } from './announce.ts';
import type { AtRest } from './at-rest.ts';
import type { Counts } from './counts.ts';
import type { Lookup } from './lookup.ts';
import type { LateKeys } from './late-keys.ts';
import type { Memory } from './memory.ts';
import type { Namespaces } from './namespaces.ts';
import type { Options } from './options.ts';
import type { WarnOwner } from './owner-log.ts';
import type { Pace } from './pace.ts';
import type { Reach } from './reach.ts';
import type { Rivals } from './rivals.ts';
import type { Stores } from './stores.ts';
import type { Uninstall } from './uninstall.ts';
import type { Updates } from './updates.ts';
import type { Watching } from './watching.ts';

/** What every part of the scaler stands on; one per process. */
export interface Ground {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly role: ScalerContext['role'];
  readonly options: Options;
  /** Undefined unless everything is being handed back for good. */
  readonly uninstall: Uninstall | undefined;
  readonly stores: Stores;
  readonly namespaces: Namespaces;
  readonly lookup: Lookup;
  readonly endpoints: Endpoints;
  /** Undefined where no DLX Service is named, and in the DLX itself. */
  readonly dlx: DlxAddresses | undefined;
  /** Whether there has been no DLX for longer than the dead-man switch. */
  readonly isDlxGone: () => boolean;
  /** Whose turn it is to be started when there is none. */
  readonly pace: Pace;
  readonly memory: Memory;
  readonly lateKeys: LateKeys;
  readonly atRest: AtRest;
  readonly updates: Updates;
  readonly counts: Counts;
  readonly reach: Reach;
  readonly rivals: Rivals;
  /** Of the Lease holder. */
  readonly portBook: {
    /** What was given, as `heldPort` writes it; undefined: not known, so labels are believed. */
    held: ReadonlySet<string> | undefined;
    /** By uid, why a workload has no ports of the DLX, by the last allocation. */
    readonly refusals: Map<string, string>;
  };
  readonly announce: Announce;
  readonly announceNamespace: AnnounceNamespace;
  readonly warnOwner: WarnOwner;
  /** Events that were lost, by namespace. */
  readonly lostEvents: ReadonlyMap<string, number>;
  readonly watching: Watching;
  /** Resources that this process parks right now; nothing else touches them meanwhile. */
  readonly parks: Set<string>;
  /** Resources that this process reconciles right now. A park waits for the end of it: no write of it may land later. */
  readonly repairs: Map<string, Promise<unknown>>;
  /** Has a resource looked at again, now or in `ms`. */
  readonly lookAgain: (ref: ResourceRef, ms?: number) => void;
}
