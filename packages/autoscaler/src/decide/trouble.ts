import type { SourceReport } from '../collect/collect.ts';
import type { Want } from '../collect/want.ts';

/** What is wrong with the sources, as far as the mass brake needs it. Immutable. */
export interface Trouble {
  /** Names of the sources that have a failure. */
  failing: ReadonlySet<string | undefined>;
  /** Keys of the wants that are unknown and were known before, or that a source which fails may know. */
  lost: ReadonlySet<string>;
}

export const noTrouble: Trouble = { failing: new Set(), lost: new Set() };

/** What one tick saw of the sources. */
export interface SourcesSeen {
  wants: readonly Want[];
  reports: readonly SourceReport[];
  /** Whether something could be used of a want, by its key: in the tick before, and in this one. */
  wasKnown: (key: string) => boolean;
  isKnown: (key: string) => boolean;
}

/** What is wrong after a tick. */
export function troubleAfter({ lost }: Trouble, { wants, reports, wasKnown, isKnown }: SourcesSeen): Trouble {
  const failing = new Set<string | undefined>(
    reports.filter(({ failures }) => failures.length > 0).map(({ source }) => source),
  );
  const unknown = wants.filter(({ key }) => !isKnown(key));
  const missed = unknown.filter(({ key, source }) => lost.has(key) || wasKnown(key) || failing.has(source));
  return { failing, lost: new Set(missed.map(({ key }) => key)) };
}

/** As many may lose their samples at once, or have them again, without a failure: no more than the mass brake lets pass. */
const fewAtOnce = 10;

/**
 * Whether a tick counts as a failure, after which what goes idle at once is suspect: a source begins to fail, or does not
 * any more; or it does so in part: many lose their samples in one tick, or have them again in one. Not while it goes on:
 * what is broken for good, such as the calls of one namespace, would brake the others for good.
 */
export function isFailure(before: Trouble, after: Trouble, { isKnown }: Pick<SourcesSeen, 'isKnown'>): boolean {
  const lost = [...after.lost].filter((key) => !before.lost.has(key)).length;
  const regained = [...before.lost].filter(isKnown).length;
  return !isSame(before.failing, after.failing) || lost > fewAtOnce || regained > fewAtOnce;
}

function isSame(some: Trouble['failing'], others: Trouble['failing']): boolean {
  return some.size === others.size && [...some].every((one) => others.has(one));
}
