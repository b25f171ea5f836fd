import { isCopied } from '../workload/copied.ts';
import { digest, keys } from '../workload/keys.ts';
import { type Labels, labelValue } from '../workload/labels.ts';
import type { Workload } from '../workload/workload.ts';

/**
 * The label of a workload that keeps the DLX's port for one port of one Service. A label, not an annotation:
 * `kubectl rollout undo` brings old annotations back.
 */
export function portLabel(service: string, port: number): string {
  const name = `port-${service}-${port}`;
  const short = name.length <= 63 ? name : `port-${service.slice(0, 40)}-${digest(name)}`;
  return `${keys.prefix}${short}`;
}

/** A range of ports, both ends included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Below the ephemeral ports of Linux, beside the node ports of Kubernetes (which are the nodes', not the pods'). */
export const defaultPortRange: PortRange = { from: 20_000, to: 30_999 };

/**
 * The DLX's port for a port of a Service, as the workload's label says; undefined: absent, not a port of the range, or
 * written for another object.
 */
export function listenPortOf(
  workload: Labels & Pick<Workload, 'uid' | 'annotations'>,
  service: string,
  port: number,
  range: PortRange = defaultPortRange,
): number | undefined {
  const text = labelValue(workload, portLabel(service, port)) ?? '';
  const listenPort = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  const isPort = listenPort >= range.from && listenPort <= range.to;
  return isPort && !isCopied(workload) ? listenPort : undefined;
}
