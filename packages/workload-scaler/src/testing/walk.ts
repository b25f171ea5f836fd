import type { Step, StopStep } from '../machine/step.ts';
import { type Intent, nextStep, repair } from '../machine/table.ts';
import type { Model } from './model.ts';

/** Runs the loop until it rests or waits for something that will not come by itself. */
export function settle(model: Model, intent: Intent): Step | StopStep {
  for (let steps = 0; steps < 60; steps++) {
    const step = nextStep(model.facts(), intentNow(intent, model));
    if (step.do === 'rest' || !model.apply(step)) return step;
  }
  throw new Error(`does not come to rest: ${JSON.stringify(model.facts())}`);
}

/** A park that has begun has an epoch and replicas, a fence that is up stays up, and the repair goes on after its end. */
export function intentNow(intent: Intent, model: Model): Intent {
  if (intent.kind === 'repair' || model.stopped()) return repair;
  return { ...intent, ...model.begun(), confirmed: intent.confirmed || model.confirmed() };
}

/** A DLX that is not there, or does not reach the pods: nothing to do but wait. */
export function mayWait(model: Model, step: Step | StopStep): boolean {
  if (step.do !== 'wait') return false;
  const { dlx, reachable } = model.facts();
  return (step.for === 'dlx' && dlx !== 'ready') || (step.for === 'reach' && reachable !== true);
}
