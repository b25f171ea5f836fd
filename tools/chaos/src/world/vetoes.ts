import type { Counts } from '../counts.ts';
import type { Timeline } from '../sim/timeline.ts';

/** What pods answer when the scaler asks whether their resource may sleep. */
export type VetoAnswer = 'yes' | 'no' | 'broken' | 'silent';
export const vetoAnswers: readonly VetoAnswer[] = ['yes', 'no', 'broken', 'silent'];

const statuses: Readonly<Record<VetoAnswer, number | undefined>> = {
  yes: 204,
  no: 409,
  broken: 500,
  silent: undefined,
};

export interface Vetoes {
  set(key: string, answer: VetoAnswer): void;
  /** The status that a pod answers with; undefined: it never does. */
  ask(key: string): number | undefined;
  /** Since when its pods have not let it sleep; `Infinity`: it may sleep. */
  vetoedSinceMs(key: string): number;
}

export function createVetoes(timeline: Timeline, counts: Counts): Vetoes {
  const said = new Map<string, { readonly answer: VetoAnswer; readonly vetoedSinceMs: number }>();
  const of = (key: string) => said.get(key) ?? { answer: 'yes', vetoedSinceMs: Infinity };
  return {
    set: (key, answer) => {
      const vetoedSinceMs = answer === 'yes' ? Infinity : Math.min(of(key).vetoedSinceMs, timeline.ms);
      said.set(key, { answer, vetoedSinceMs });
    },
    ask: (key) => {
      const { answer } = of(key);
      counts.add(`veto asked: ${answer}`);
      return statuses[answer];
    },
    vetoedSinceMs: (key) => of(key).vetoedSinceMs,
  };
}
