/** The held requests of a resource, by port. */
export interface HeldByPort {
  readonly lanes: readonly {
    readonly head: { readonly startedMs: number } | undefined;
    readonly port: { readonly service: string; readonly port: number };
  }[];
}

/** Monotonic; when the first of those that are held arrived. */
export function firstArrivalMs(gate: HeldByPort): number {
  const heads = gate.lanes.map(({ head }) => head?.startedMs ?? Number.POSITIVE_INFINITY);
  return Math.min(...heads);
}

/** Why it is woken, for people. */
export function wakeReason(gate: HeldByPort): string {
  for (const lane of gate.lanes) {
    if (lane.head !== undefined) return `a request for ${lane.port.service}:${lane.port.port} arrived`;
  }
  return 'a request arrived';
}
