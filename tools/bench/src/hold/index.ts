import type { Scenario } from '../scenario.ts';
import { held, heldBodies } from './held.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { overload } from './overload.ts';
import { sigterm } from './sigterm.ts';
import { sleepers } from './sleepers.ts';
import { wakeMany } from './wake-many.ts';

/** All that concerns holding, waking and letting go. */
export const holdScenarios: readonly Scenario[] = [held, heldBodies, oneAtATime, sleepers, wakeMany, sigterm, overload];
