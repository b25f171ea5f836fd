export { unlessAborted, whenAborted } from './abort.ts';
export { backoffMs, doublingMs } from './backoff.ts';
export { BoundedMap } from './bounded-map.ts';
export { CodedError } from './coded-error.ts';
export { type Deadline, startDeadline } from './deadline.ts';
export { FairQueue } from './fair-queue.ts';
export { limited } from './limited.ts';
export { mapBounded } from './map-bounded.ts';
export { createTroubles, type Trouble, type Troubles } from './troubles.ts';
