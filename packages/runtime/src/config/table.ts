import { RuntimeError } from '../errors.ts';
import type { Setting } from './setting.ts';

/** All settings of an app, by camelCase name. */
export type ConfigTable = Readonly<Record<string, Setting<unknown>>>;

/** The values of a table, typed by its parsers. */
export type ConfigValues<T extends ConfigTable> = {
  readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never;
};

/** Default prefix of environment variables. */
export const defaultPrefix = 'SCALER_';

/** `scaleInterval` → `--scale-interval`. */
export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `scaleInterval` → `SCALER_SCALE_INTERVAL`; of a family, `SCALER_OPTION_<NAME>`. */
export function envName(name: string, setting: Setting<unknown>, prefix: string): string {
  if (setting.envFamily !== undefined) return `${prefix}${setting.envFamily}_<NAME>`;
  return prefix + name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/**
 * Declares an app's settings, once; flags, environment, help, README table and chart follow from it.
 *
 * @throws RuntimeError `invalid-table` when a name has no unambiguous flag or a default is not allowed by its own parser.
 */
export function defineConfig<const T extends ConfigTable>(table: T): T {
  const problems = Object.entries(table).flatMap(([name, setting]) => tableProblems(name, setting));
  if (problems.length > 0) throw new RuntimeError('invalid-table', problems);
  return Object.freeze({ ...table });
}

function tableProblems(name: string, setting: Setting<unknown>): string[] {
  const problems: string[] = [];
  if (!/^[a-z][a-z0-9]*([A-Z][a-z0-9]+)*$/.test(name) || /^(no[A-Z].*|help|version)$/.test(name)) {
    problems.push(`setting "${name}" must be camelCase with single capitals, not no…, help or version`);
  }
  if (setting.required && setting.default !== undefined)
    problems.push(`setting "${name}" is required and has a default`);
  if (setting.envFamily !== undefined && setting.parser.merge === undefined) {
    problems.push(`setting "${name}" has envFamily "${setting.envFamily}" but its parser takes one value only`);
  }
  if (setting.default !== undefined && !setting.parser.parse(setting.default).ok) {
    problems.push(`setting "${name}" has the default "${setting.default}", allowed is ${setting.parser.allowed}`);
  }
  return problems;
}
