/** One thing that a case had to show, and what it showed. */
export interface Finding {
  readonly what: string;
  readonly wanted: string;
  readonly got: string;
  readonly good: boolean;
}

/** `TRIALS_TIMES=shown`: for machines that are shared, where a time says as much of the neighbours as of the apps. */
const timesAreJudged = process.env['TRIALS_TIMES'] !== 'shown';

export function atMost(what: string, got: number, limit: number, unit = 'ms'): Finding {
  const finding = {
    what,
    wanted: `≤ ${limit} ${unit}`,
    got: `${Math.round(got * 10) / 10} ${unit}`,
    good: got <= limit,
  };
  if (timesAreJudged || unit !== 'ms') return finding;
  return { ...finding, wanted: `${finding.wanted}, shown`, good: Number.isFinite(got) };
}

export function none(what: string, got: number): Finding {
  return { what, wanted: '0', got: String(got), good: got === 0 };
}

export function all(what: string, got: number, wanted: number): Finding {
  return { what, wanted: String(wanted), got: String(got), good: got === wanted };
}
