import type { Case } from '../../harness/suite.ts';
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
import { oddities } from './oddities/oddities.ts';
import { race, stale } from './boundary/race.ts';
import { upgrade } from './upgrade/upgrade.ts';

type Trial = Case<void>;

function trial(name: string, doc: string, run: Trial['run']): Trial {
  return { name, doc, run };
}

/** In the order in which they run. */
export const trials: readonly Trial[] = [
  trial('lying', 'an hour in which every source says idle, and each workload gets a request a second', lying),
  trial('idleness', "the DLX's own count says idle when a workload is, and only then", idleness),
  trial(
    'sources',
    'each fault of a source of metrics parks nothing that is used, and what is idle afterwards parks',
    sources,
  ),
  trial('thousand', 'the cost of a thousand workloads with two metrics each for the autoscaler', thousand),
  trial('latency', 'how long held requests wait for the product itself', latency),
  trial('race', 'requests aimed at each step of 2,000 parks, half of them with one DLX and half with two', race),
  trial('stale', 'the same, with a DLX whose watches lag by 2 s', stale),
  trial('crash', 'both apps are killed after each of their writes', crash),
  trial('leader', 'the leader is struck in the middle of 50 parks, and a second autoscaler stands by', leader),
  trial('blackout', 'no DLX is left while 100 sleep; before, two rollouts of it that are merely slow', blackout),
  trial(
    'tug-of-war',
    'a reconciler writes back what the product writes, and the metric says idle throughout',
    tugOfWar,
  ),
  trial(
    'hopeless',
    'requests held for a pod that cannot start are answered with the cause, once its status has it',
    hopeless,
  ),
  trial('upgrade', 'both apps are upgraded from an old commit while twenty resources sleep', upgrade),
  trial('databases', 'redis-cli and psql against servers that sleep until a client connects', databases),
  trial('oddities', 'legal oddities of requests and answers, direct, through the DLX, and through nginx', oddities),
  trial('mirror', "the slices of many sleepers follow the DLX's pods, which come and go", mirror),
  trial('modes', 'each routing mode is changed to each other one, awake, in the middle of a park and asleep', modes),
  trial(
    'neighbours',
    'a tenant writes and requests the worst that it may, while twenty others sleep, wake and serve',
    neighbours,
  ),
];
