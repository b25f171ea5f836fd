import { disturbanceBetween, readTicks } from './machine/disturbance.ts';
import type { Context, Figure } from './scenario.ts';

/** The measurements of each side in one round, by name. */
export interface Round<M> {
  readonly sides: Readonly<Record<string, M>>;
  /** The share of a processor, 0–1, that other processes took during the worst of its measurements. */
  readonly disturbance: number;
}

export interface Rounds<M> {
  /** As many rounds as were asked for. */
  readonly kept: readonly Round<M>[];
  readonly dropped: readonly Round<M>[];
  /** How many of the kept rounds are disturbed: when too few were quiet, the least disturbed make up the number. */
  readonly disturbed: number;
}

export interface RoundsOptions<M> {
  /** The sides that are compared, in alternation. */
  readonly sides: readonly string[];
  readonly rounds: number;
  /** The most additional rounds in place of disturbed ones. */
  readonly spare: number;
  /** A round with more disturbance counts as disturbed. */
  readonly tolerance: number;
  measure(side: string): Promise<{ measured: M; disturbance: number }>;
  onRound?(round: Round<M>, isDisturbed: boolean): void;
}

/** Every second round has the reverse order, so that no side always follows the same one. */
export async function measureRounds<M>(options: RoundsOptions<M>): Promise<Rounds<M>> {
  const { sides, rounds, spare, tolerance } = options;
  const done: Round<M>[] = [];
  const isDisturbed = ({ disturbance }: Round<M>): boolean => disturbance > tolerance;
  const quiet = (): number => done.filter((round) => !isDisturbed(round)).length;
  while (quiet() < rounds && done.length < rounds + spare) {
    const found: Record<string, M> = {};
    let worst = 0;
    for (const side of done.length % 2 === 0 ? sides : sides.toReversed()) {
      const { measured, disturbance } = await options.measure(side);
      found[side] = measured;
      worst = Math.max(worst, disturbance);
    }
    const round: Round<M> = { sides: found, disturbance: worst };
    done.push(round);
    options.onRound?.(round, isDisturbed(round));
  }
  return choose(done, rounds, isDisturbed);
}

function choose<M>(done: readonly Round<M>[], rounds: number, isDisturbed: (round: Round<M>) => boolean): Rounds<M> {
  const best = new Set(done.toSorted((a, b) => a.disturbance - b.disturbance).slice(0, rounds));
  const kept = done.filter((round) => best.has(round));
  return {
    kept,
    dropped: done.filter((round) => !best.has(round)),
    disturbed: kept.filter(isDisturbed).length,
  };
}

/** A round in which others took more than this share of a processor is disturbed. */
const tolerance = 0.05;

export interface RunOptions<M> extends Pick<RoundsOptions<M>, 'sides' | 'rounds' | 'spare'> {
  measure(side: string): Promise<M>;
  /** The line of progress for one side of a round. */
  text(measured: M): string;
}

/** Measures rounds with what others took meanwhile, and says and keeps each. Doubts them when most were disturbed. */
export async function runRounds<M>(
  { log, keep, doubt }: Pick<Context, 'log'> & Partial<Context>,
  { measure, text, ...options }: RunOptions<M>,
): Promise<Rounds<M>> {
  const result = await measureRounds<M>({
    ...options,
    tolerance,
    async measure(side) {
      const ticks = readTicks();
      const measured = await measure(side);
      return { measured, disturbance: disturbanceBetween(ticks, readTicks()) };
    },
    onRound(round, isDisturbed) {
      keep?.({ ...round, isDisturbed });
      const texts = Object.entries(round.sides).map(([side, measured]) => `${side} ${text(measured)}`);
      const others = `others ${(round.disturbance * 100).toFixed(1)} %`;
      log(`${texts.join(' · ')} · ${others}${isDisturbed ? ', disturbed' : ''}`);
    },
  });
  const { kept, disturbed } = result;
  if (disturbed > kept.length / 2) doubt?.(`others disturbed ${disturbed} of ${kept.length} rounds`);
  return result;
}

/** How many rounds were disturbed. */
export function disturbanceFigures({ dropped, disturbed }: Rounds<unknown>, prefix = ''): Figure[] {
  return [
    { name: `${prefix}rounds dropped`, value: dropped.length, unit: '' },
    { name: `${prefix}rounds kept although disturbed`, value: disturbed, unit: '' },
  ];
}

/** The ratio of a number of one side to that of another, in each round. */
export function ratios<M>(
  rounds: readonly Round<M>[],
  side: string,
  peer: string,
  number: (measured: M) => number,
): number[] {
  return rounds.map(({ sides }) => of(sides, side, number) / of(sides, peer, number));
}

/** A number of one side, in each round. */
export function numbers<M>(rounds: readonly Round<M>[], side: string, number: (measured: M) => number): number[] {
  return rounds.map(({ sides }) => of(sides, side, number));
}

function of<M>(sides: Readonly<Record<string, M>>, side: string, number: (measured: M) => number): number {
  const measured = sides[side];
  return measured === undefined ? Number.NaN : number(measured);
}
