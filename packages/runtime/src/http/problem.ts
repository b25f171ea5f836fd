/** The body of an error answer, as in RFC 9457: `application/problem+json`. */
export interface Problem {
  readonly status: number;
  /** For machines: a code of a documented table. */
  readonly code: string;
  /** The meaning of the code, always the same text. */
  readonly title: string;
  /** What went wrong with this request. */
  readonly detail: string;
}

export const problemContentType = 'application/problem+json';

export function problem(code: string, status: number, title: string, detail: string): Problem {
  return { status, code, title, detail };
}
