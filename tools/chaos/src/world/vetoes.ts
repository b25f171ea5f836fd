import type { Counts } from '../counts.ts';
import type { Timeline } from '../sim/timeline.ts';

/** What pods answer when the scaler asks whether their resource may sleep; `silent`: they never do. */
const statuses = { yes: 204, no: 409, broken: 500, silent: undefined };
export type VetoAnswer = keyof typeof statuses;
export const vetoAnswers = Object.keys(statuses) as VetoAnswer[];

export type Vetoes = ReturnType<typeof createVetoes>;

export function createVetoes(timeline: Timeline, counts: Counts) {
  const said = new Map<string, { readonly answer: VetoAnswer; readonly vetoedSinceMs: number }>();
  const of = (key: string) => said.get(key) ?? { answer: 'yes', vetoedSinceMs: Infinity };
  return {
    set: (key: string, answer: VetoAnswer): void => {
      const vetoedSinceMs = answer === 'yes' ? Infinity : Math.min(of(key).vetoedSinceMs, timeline.ms);
      said.set(key, { answer, vetoedSinceMs });
    },
    /** The status that a pod answers with; undefined: it never does. */
    ask: (key: string): number | undefined => {
      const { answer } = of(key);
      counts.add(`veto asked: ${answer}`);
      return statuses[answer];
    },
    /** Since when its pods have not let it sleep; `Infinity`: it may sleep. */
    vetoedSinceMs: (key: string): number => of(key).vetoedSinceMs,
  };
}
