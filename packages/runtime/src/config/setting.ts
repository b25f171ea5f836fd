import type { Parser } from './parser.ts';

/** One row of a config table. */
export interface Setting<T> {
  readonly parser: Parser<T>;
  /** The default as it would be written on the command line; undefined: none. */
  readonly default: string | undefined;
  /** Must be given by flag or environment. */
  readonly required: boolean;
  /** The unit of a bare number: `requests`, `bytes`. */
  readonly unit: string | undefined;
  /** One or two sentences for the help and the README. */
  readonly doc: string;
  /** The value never appears in logs. */
  readonly secret: boolean;
  /** Whether a scaler may propose a value. */
  readonly proposal: boolean;
  /** Environment variables of the form `<prefix><envFamily>_<NAME>` stand for `name=value`, instead of one variable. */
  readonly envFamily: string | undefined;
}

export interface SettingOptions<T> {
  parser: Parser<T>;
  /** As it would be written on the command line. Without it, and without `required`, the value may be undefined. */
  default?: string | number | boolean;
  /** Default: false. */
  required?: true;
  unit?: string;
  doc: string;
  /** Default: false. */
  secret?: boolean;
  /** Default: true. */
  proposal?: boolean;
  /** Only with `parsers.pairs()`: `OPTION` reads `SCALER_OPTION_IMAGE=x` as `image=x`. */
  envFamily?: string;
}

/** Declares one setting of a config table. */
export function setting<T>(options: SettingOptions<T> & { default: string | number | boolean }): Setting<T>;
export function setting<T>(options: SettingOptions<T> & { required: true }): Setting<T>;
export function setting<T>(options: SettingOptions<T>): Setting<T | undefined>;
export function setting<T>(options: SettingOptions<T>): Setting<T> {
  return Object.freeze({
    parser: options.parser,
    default: options.default === undefined ? undefined : String(options.default),
    required: options.required ?? false,
    unit: options.unit,
    doc: options.doc,
    secret: options.secret ?? false,
    proposal: options.proposal ?? true,
    envFamily: options.envFamily,
  });
}
