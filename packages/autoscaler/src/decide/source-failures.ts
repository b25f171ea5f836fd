import type { SourceReport } from '../collect/collect.ts';
import type { Want } from '../collect/want.ts';

/** The failures of the sources, as far as the mass brake needs them. Immutable. */
export interface SourceFailures {
  /** Names of the sources that have a failure. */
  failing: ReadonlySet<string | undefined>;
  /** Keys of the wants that are unknown, and were known before or belong to a source that fails. */
  lost: ReadonlySet<string>;
}

export const noSourceFailures: SourceFailures = { failing: new Set(), lost: new Set() };

/** The observations of one tick about the sources. */
export interface SourcesSeen {
  wants: readonly Want[];
  reports: readonly SourceReport[];
  /** Whether a want had a usable sample, by its key: in the tick before, and in this one. */
  wasKnown: (key: string) => boolean;
  isKnown: (key: string) => boolean;
}

/** The failures after a tick. */
export function failuresAfter(
  { lost }: SourceFailures,
  { wants, reports, wasKnown, isKnown }: SourcesSeen,
): SourceFailures {
  const failing = new Set<string | undefined>(
    reports.filter(({ failures }) => failures.length > 0).map(({ source }) => source),
  );
  const unknown = wants.filter(({ key }) => !isKnown(key));
  const missed = unknown.filter(({ key, source }) => lost.has(key) || wasKnown(key) || failing.has(source));
  return { failing, lost: new Set(missed.map(({ key }) => key)) };
}

/** So many wants may lose or regain their samples in one tick without a failure: no more than the mass brake lets pass. */
const fewAtOnce = 10;

/**
 * Whether a tick counts as a failure, after which many parks at once are suspect. It does when a source begins or ceases to
 * fail, and when many wants lose or regain their samples in one tick. A failure that goes on does not count: calls that are
 * broken for good, such as those of one namespace, would brake the other namespaces for good.
 */
export function isFailure(
  before: SourceFailures,
  after: SourceFailures,
  { isKnown }: Pick<SourcesSeen, 'isKnown'>,
): boolean {
  const lost = [...after.lost].filter((key) => !before.lost.has(key)).length;
  const regained = [...before.lost].filter(isKnown).length;
  return !isSame(before.failing, after.failing) || lost > fewAtOnce || regained > fewAtOnce;
}

function isSame(some: SourceFailures['failing'], others: SourceFailures['failing']): boolean {
  return some.size === others.size && [...some].every((one) => others.has(one));
}
