import { RuntimeError } from '../errors.ts';
import type { Parser } from './parsers.ts';

export interface SettingOptions<T> {
  parser: Parser<T>;
  /** As it would be written on the command line. Without it the value may be undefined. */
  default?: string | number | boolean;
  /** The unit of a bare number: `requests`, `bytes`. */
  unit?: string;
  /** One or two sentences for the help and the README. */
  doc: string;
  /** Whether the value never appears in logs. Default: false. */
  secret?: boolean;
  /** Whether a scaler may propose a value. Default: true. */
  proposal?: boolean;
  /** Only with `parsers.pairs()`: `OPTION` reads `SCALER_OPTION_IMAGE=x` as `image=x`, instead of one variable. */
  envFamily?: string;
}

/** One row of a config table. */
export type Setting<T> = Readonly<Omit<SettingOptions<T>, 'default' | 'proposal'>> & {
  readonly default: string | undefined;
  readonly proposal: boolean;
};

/** Declares one setting of a config table. */
export function setting<T>(options: SettingOptions<T> & { default: string | number | boolean }): Setting<T>;
export function setting<T>(options: SettingOptions<T>): Setting<T | undefined>;
export function setting<T>({ default: text, proposal = true, ...options }: SettingOptions<T>): Setting<T> {
  return Object.freeze({ ...options, default: text === undefined ? undefined : String(text), proposal });
}

/** All settings of an app, by camelCase name. */
export type ConfigTable = Readonly<Record<string, Setting<unknown>>>;

/** The values of a table, typed by its parsers. */
export type ConfigValues<T extends ConfigTable> = {
  readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never;
};

/** The prefix of environment variables. */
export const envPrefix = 'SCALER_';

/** `scaleInterval` → `--scale-interval`. */
export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `scaleInterval` → `SCALER_SCALE_INTERVAL`; of a family, `SCALER_OPTION_<NAME>`. */
export function envName(name: string, envFamily?: string): string {
  if (envFamily !== undefined) return `${envPrefix}${envFamily}_<NAME>`;
  return envPrefix + name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/**
 * Declares an app's settings, once; flags, environment, help, README table and chart follow from it.
 *
 * @throws RuntimeError `invalid-table` when a name has no unambiguous flag or a default is not allowed by its own parser.
 */
export function defineConfig<const T extends ConfigTable>(table: T): T {
  const problems = Object.entries(table).flatMap(([name, one]) => tableProblems(name, one));
  if (problems.length > 0) throw new RuntimeError('invalid-table', problems);
  return Object.freeze({ ...table });
}

function tableProblems(name: string, { parser, default: text, envFamily }: Setting<unknown>): string[] {
  const problems: string[] = [];
  if (!/^[a-z][a-z0-9]*([A-Z][a-z0-9]+)*$/.test(name) || /^(no[A-Z].*|help|version)$/.test(name)) {
    problems.push(`setting "${name}" must be camelCase with single capitals, not no…, help or version`);
  }
  if (envFamily !== undefined && parser.merge === undefined) {
    problems.push(`setting "${name}" has envFamily "${envFamily}" but its parser takes one value only`);
  }
  if (text !== undefined && !parser.parse(text).ok) {
    problems.push(`setting "${name}" has the default "${text}", allowed is ${parser.allowed}`);
  }
  return problems;
}
