/** One property that a case had to show: the wanted value and the measured one. */
export interface Finding {
  readonly what: string;
  readonly wanted: string;
  readonly got: string;
  readonly good: boolean;
}

/** `TRIALS_TIMES=shown`: for shared machines, where a time depends on the neighbours as much as on the apps. */
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
