import type { Counts } from './counts.ts';
import type { Violation } from './judge/scene.ts';
import { createPerform } from './steps/perform.ts';
import type { Step } from './steps/step.ts';
import { startWorld, type WorldOptions } from './world/world.ts';

/** One script, played in a world of its own. */
export interface Episode {
  readonly seed: number;
  /** Of a history that is kept. */
  readonly name?: string;
  readonly steps: readonly Step[];
}

/** The result of an episode. */
export interface Outcome {
  /** Undefined: every invariant held. */
  readonly violation: Violation | undefined;
  /** Index of the step during which the violation was seen; the number of steps when there was none. */
  readonly step: number;
  /** Milliseconds of the product's time. */
  readonly ms: number;
}

export interface EpisodeOptions {
  readonly counts?: Counts;
  readonly onLog?: NonNullable<WorldOptions['onLog']>;
  readonly onStep?: (index: number, step: Step, ms: number) => void;
}

/** Long enough for both programs to start and to adopt the fleet. */
const startMs = 10_000;

export async function play({ seed, steps }: Episode, options: EpisodeOptions = {}): Promise<Outcome> {
  const { onStep, ...worldOptions } = options;
  const world = await startWorld({ seed, ...worldOptions });
  const { judge, timeline } = world;
  let index = 0;
  try {
    const perform = createPerform(world);
    await world.pass(startMs);
    for (; index < steps.length && judge.violation === undefined; index++) {
      const step = steps[index] as Step;
      onStep?.(index, step, timeline.ms);
      await perform(step);
    }
    const { violation } = judge;
    return { violation, step: violation === undefined ? steps.length : index - 1, ms: Math.round(timeline.ms) };
  } finally {
    await world.close();
  }
}
