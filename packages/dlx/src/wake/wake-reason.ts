import type { Gate } from '../gate/gate.ts';

/** Monotonic; when the first of those that are held arrived. */
export function firstArrivalMs(gate: Gate): number {
  const heads = gate.lanes.map(({ head }) => head?.startedMs ?? Number.POSITIVE_INFINITY);
  return Math.min(...heads);
}

/** Why it is woken, for people. */
export function wakeReason(gate: Gate): string {
  for (const lane of gate.lanes) {
    if (lane.head !== undefined) return `a request for ${lane.port.service}:${lane.port.port} arrived`;
  }
  return 'a request arrived';
}
