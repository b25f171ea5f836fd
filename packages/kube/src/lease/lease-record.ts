import type { Lease } from '../objects/kinds.ts';

/** The fields of a Lease that an election uses. */
export interface LeaseRecord {
  /** Undefined: the Lease is free. */
  readonly holder: string | undefined;
  readonly durationMs: number;
  readonly transitions: number;
  /** Changes with every write; has no other meaning. */
  readonly version: string;
}

export function readLease(lease: Lease, defaultDurationMs: number): LeaseRecord {
  const { holderIdentity, leaseDurationSeconds, leaseTransitions } = lease.spec ?? {};
  return {
    holder: holderIdentity || undefined,
    durationMs: leaseDurationSeconds === undefined ? defaultDurationMs : leaseDurationSeconds * 1000,
    transitions: leaseTransitions ?? 0,
    version: lease.metadata?.resourceVersion ?? '',
  };
}

/** The Lease as its new holder writes it. */
export function takenLease(lease: Lease, identity: string, durationMs: number, nowMs: number): Lease {
  const now = microTime(nowMs);
  const first = lease.spec?.acquireTime === undefined;
  return {
    ...lease,
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      acquireTime: now,
      renewTime: now,
      leaseTransitions: first ? 0 : (lease.spec?.leaseTransitions ?? 0) + 1,
    },
  };
}

export function renewedLease(lease: Lease, durationMs: number, nowMs: number): Lease {
  return {
    ...lease,
    spec: { ...lease.spec, leaseDurationSeconds: Math.ceil(durationMs / 1000), renewTime: microTime(nowMs) },
  };
}

/** A Lease that is free at once: the API wants a duration of at least a second. */
export function releasedLease(lease: Lease, nowMs: number): Lease {
  return {
    ...lease,
    spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(nowMs) },
  };
}

// The API's MicroTime refuses fewer than six digits.
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
