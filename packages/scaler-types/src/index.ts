export { type CancelTimer, type Clock, sleepWith, systemClock } from './clock.ts';
