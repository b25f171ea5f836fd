import type { Trial } from '../../harness/finding.ts';
import { crash } from './boundary/crash.ts';
import { databases } from './databases.ts';
import { blackout } from './faults/blackout.ts';
import { hopeless } from './faults/hopeless.ts';
import { leader } from './faults/leader.ts';
import { tugOfWar } from './faults/tug-of-war.ts';
import { idleness } from './judgement/idleness.ts';
import { lying } from './judgement/lying.ts';
import { sources } from './judgement/sources.ts';
import { thousand } from './judgement/thousand.ts';
import { latency } from './boundary/latency.ts';
import { mirror } from './mirror/mirror.ts';
import { modes } from './mirror/modes.ts';
import { neighbours } from './neighbours/neighbours.ts';
import { race, stale } from './boundary/race.ts';

/** By name, in the order in which they run. */
export const trials: Readonly<Record<string, Trial>> = {
  lying,
  idleness,
  sources,
  thousand,
  latency,
  race,
  stale,
  crash,
  leader,
  blackout,
  'tug-of-war': tugOfWar,
  hopeless,
  databases,
  mirror,
  modes,
  neighbours,
};
