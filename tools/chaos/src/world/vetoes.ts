import type { Counts } from '../counts.ts';
import type { Timeline } from '../sim/timeline.ts';

/** What pods say when they are asked whether their resource may sleep. */
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
  /** Since when nothing has let it sleep; `Infinity`: it may. */
  barsSinceMs(key: string): number;
}

export function createVetoes(timeline: Timeline, counts: Counts): Vetoes {
  const said = new Map<string, { readonly answer: VetoAnswer; readonly barsSinceMs: number }>();
  const of = (key: string) => said.get(key) ?? { answer: 'yes', barsSinceMs: Infinity };
  return {
    set: (key, answer) => {
      const barsSinceMs = answer === 'yes' ? Infinity : Math.min(of(key).barsSinceMs, timeline.ms);
      said.set(key, { answer, barsSinceMs });
    },
    ask: (key) => {
      const { answer } = of(key);
      counts.add(`veto asked: ${answer}`);
      return statuses[answer];
    },
    barsSinceMs: (key) => of(key).barsSinceMs,
  };
}
