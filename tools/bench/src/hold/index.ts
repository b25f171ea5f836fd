import type { Scenario } from '../scenario.ts';
import { held, heldBodies } from './held.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { overload } from './overload.ts';
import { sigterm } from './sigterm.ts';
import { sleepers } from './sleepers.ts';
import { wakeMany } from './wake-many.ts';

/** All scenarios about holding, waking and releasing. */
export const holdScenarios: readonly Scenario[] = [held, heldBodies, oneAtATime, sleepers, wakeMany, sigterm, overload];
