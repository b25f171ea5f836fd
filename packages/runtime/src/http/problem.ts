/** An answer that tells what went wrong, as RFC 9457 has it: `application/problem+json`. */
export interface Problem {
  readonly status: number;
  /** For machines: one of a documented table. */
  readonly code: string;
  /** What the code means, always the same. */
  readonly title: string;
  /** What went wrong this time. */
  readonly detail: string;
  readonly [extra: string]: unknown;
}

export const problemContentType = 'application/problem+json';

/** Makes a problem. `extra` holds further members, such as `resource` or `retryAfter`. */
export function problem(
  code: string,
  status: number,
  title: string,
  detail: string,
  extra: Readonly<Record<string, unknown>> = {},
): Problem {
  return { ...extra, status, code, title, detail };
}
