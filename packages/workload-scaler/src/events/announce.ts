import { apiVersionOf, type EventRecorder, kinds } from '@scaler/kube';
import { resourceKey } from '@scaler/scaler-types';
import type { WarnOwner } from './owner-log.ts';
import type { Managed } from '../cache/lookup.ts';
import type { NamespaceInfo } from '../cache/namespaces.ts';

/** Reasons of the Events that we write, with what they say. README has the same table. */
export const eventReasons = {
  Parked: 'It was put to sleep, and why.',
  WokenUp: 'It was started, by what and why.',
  Restored: 'Its traffic goes to its pods again.',
  ParkCancelled: 'A park was undone, and why. Normal: a request came, or a pod or the DLX changed.',
  ParkRefused: 'A park was not begun, and why. Nothing was changed.',
  InvalidSetting:
    "An annotation is wrong or unknown; a wrong one keeps the workload awake, a Namespace's is as if it were not there.",
  NoEffect: 'A setting changes nothing where it stands, and why.',
  CannotSleep:
    'Something keeps it from ever being put to sleep, for half a minute already, and what: no Service, a mesh, a Service that others share.',
  NoPreStop: 'In `overlay`, pods without a preStop delay: when it is parked, a new connection may reach a dying pod.',
  LosesFiles:
    'What is in some volumes of its pods goes with them, or stays on their node, whenever it sleeps: in which.',
  RoutingRepaired: 'Routing was not as it should be and was written again.',
  DlxUnreachable: 'A request through the DLX did not come to the pods, so the DLX is kept out of the path.',
  PortRangeFull:
    'No ports of the DLX are left for its Service ports, or its namespace has as many as are still free. It stays awake.',
  PortTaken: 'A label named a port of the DLX that was not given to it: it got one of its own.',
  Contested: 'Another client keeps taking back what was written: which one, what, and until when the scaler gives way.',
  IdlenessUnknown: 'It stays awake since nothing has been known of its idleness for two windows, and why.',
  IdlenessKnown: 'Its idleness is known again.',
  HeldBack:
    'It is idle, and waits: too many became idle at once after a source of metrics had failed or another replica had taken over.',
  DlxGone: 'There has been no DLX for too long, so it was started, or its Services were restored.',
  NotUp: 'It was not up within the grace of an uninstall, and its Services were restored all the same.',
} as const;

export type EventReason = keyof typeof eventReasons;

const warnings: readonly EventReason[] = [
  'InvalidSetting',
  'NoEffect',
  'CannotSleep',
  'DlxUnreachable',
  'PortRangeFull',
  'PortTaken',
  'Contested',
  'IdlenessUnknown',
  'DlxGone',
  'NotUp',
];

/** Tells the owner of a workload, or of a namespace, with an Event. */
export type Announce = ReturnType<typeof createAnnounce>;

export function createAnnounce(recorder: EventRecorder) {
  return (about: Managed | NamespaceInfo, reason: EventReason, message: string): void =>
    recorder.event(objectOf(about), warnings.includes(reason) ? 'Warning' : 'Normal', reason, message);
}

function objectOf(about: Managed | NamespaceInfo) {
  if (!('workload' in about)) {
    const { name, uid, resourceVersion } = about;
    return { apiVersion: apiVersionOf(kinds.namespace), kind: kinds.namespace.kind, name, uid, resourceVersion };
  }
  const { kind, namespace, name, uid, resourceVersion } = about.workload;
  return { apiVersion: apiVersionOf(about.kind.kind), kind, namespace, name, uid, resourceVersion };
}

/** Has the owner of a workload see to something: with an Event, and a line for the operator of scaler. */
export function pointOut(
  { announce, warnOwner }: { readonly announce: Announce; readonly warnOwner: WarnOwner },
  managed: Managed,
  reason: EventReason,
  message: string,
): void {
  announce(managed, reason, message);
  const fields = { resource: resourceKey(managed.workload), reason, message };
  warnOwner(managed.workload.namespace, 'A workload needs its owner', fields);
}
