/** A JSON schema of one value, as it is written in a chart's values. */
export type ValueSchema = Readonly<Record<string, unknown>>;

/** The result of parsing a text. `reason` only where `allowed` does not say it already. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; reason?: string };

/** Turns the text of a flag, an environment variable or a proposal into a value. Never throws. */
export interface Parser<T> {
  /** Follows the flag in the help: `duration`, `port`. */
  readonly kind: string;
  /** Completes "allowed is …". */
  readonly allowed: string;
  readonly schema: ValueSchema;
  parse(text: string): Parsed<T>;
  /** The text that parses to this value again. */
  format(value: T): string;
  /** Present when a setting may be given several times: makes one value of all. */
  merge?(values: readonly T[]): T;
}

export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function refused(reason?: string): { ok: false; reason?: string } {
  return reason === undefined ? { ok: false } : { ok: false, reason };
}
