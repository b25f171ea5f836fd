/** One thing that a trial had to show, and what it showed. */
export interface Finding {
  readonly what: string;
  readonly wanted: string;
  readonly got: string;
  readonly good: boolean;
}

/** A long-running proof; rejects when it could not be carried out. */
export type Trial = () => Promise<readonly Finding[]>;

export function atMost(what: string, got: number, limit: number, unit = 'ms'): Finding {
  return { what, wanted: `≤ ${limit} ${unit}`, got: `${Math.round(got * 10) / 10} ${unit}`, good: got <= limit };
}

export function none(what: string, got: number): Finding {
  return { what, wanted: '0', got: String(got), good: got === 0 };
}

export function all(what: string, got: number, wanted: number): Finding {
  return { what, wanted: String(wanted), got: String(got), good: got === wanted };
}
