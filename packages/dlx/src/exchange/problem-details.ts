import type { Outcome, Refusal } from '../outcome.ts';

import type { ProblemDetails } from '../core.ts';

/** Names no pods, resources, images or nodes. */
const briefly: Record<Outcome, string> = {
  forwarded: 'forwarded',
  'client-gone': 'the client left',
  'wake-timeout': 'it was not awake in time',
  'wake-failed': 'it cannot be woken',
  overflow: 'too many requests wait already',
  'upstream-connect': 'it took no connection in time',
  'upstream-timeout': 'it did not begin its answer in time',
  'upstream-idle': 'it fell silent',
  'upstream-reset': 'it broke off',
  draining: 'this DLX is shutting down',
  'not-woken': 'it is asleep, and not woken by this kind of request',
  'no-route': 'no known resource has this host and path',
  'bad-request': 'it cannot be passed on as it stands',
};

/** A request that is refused. */
interface Refused {
  readonly core: { readonly settings: { readonly problemDetails?: ProblemDetails } };
  /** Undefined: nothing of the cluster was looked at for it. */
  readonly lane: object | undefined;
}

/**
 * A refusal as its client gets it. Briefly that is the outcome in words; only what was wrong with the request itself,
 * before anything of the cluster was looked at, is given whole.
 */
export function refusalForClient(x: Refused, refusal: Refusal): Refusal {
  if (x.core.settings.problemDetails !== 'brief') return refusal;
  const { outcome, detail, status, retryAfterS } = refusal;
  const own = outcome === 'bad-request' && x.lane === undefined;
  return {
    outcome,
    detail: own ? detail : status === 508 ? 'it came back from its own endpoint' : briefly[outcome],
    ...(status !== undefined && { status }),
    ...(retryAfterS !== undefined && { retryAfterS }),
  };
}
