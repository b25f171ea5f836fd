import type { Logger } from '@scaler/scaler-types';
import { configError } from '../errors.ts';
import { fromEnvironment, fromFlags, type Given } from './given.ts';
import type { ConfigTable, ConfigValues, Setting } from './setting.ts';

/** Where a value came from, strongest first. */
export type ConfigSource = Given['source'] | 'scaler' | 'default';

/** The values that a scaler proposes to this app, by setting. */
export type Proposal = Readonly<Record<string, string | number | boolean | undefined>>;

/** An app's settings. */
export interface Config<T extends ConfigTable> {
  readonly table: T;
  readonly values: ConfigValues<T>;
  readonly sources: { readonly [K in keyof T]: ConfigSource };
  /** The value that the scaler proposed, whether it was taken or overruled by a flag or variable. */
  readonly proposals: Proposal;
  /** Sentences worth a log line: variables with the prefix that no setting reads. */
  readonly warnings: readonly string[];
}

export interface LoadConfigOptions {
  /** Without the program's own name: `process.argv.slice(2)`. */
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads flags, then environment, then defaults.
 *
 * @throws RuntimeError `invalid-config` with one sentence per unknown flag or wrong value of this run.
 */
export function loadConfig<T extends ConfigTable>(table: T, { argv, env }: LoadConfigOptions): Config<T> {
  const flags = fromFlags(table, argv);
  const variables = fromEnvironment(table, env);
  const problems = [...flags.problems];
  const values: Record<string, unknown> = {};
  const sources: Record<string, ConfigSource> = {};
  for (const [name, setting] of Object.entries(table)) {
    const byFlags = flags.given.filter((one) => one.name === name);
    const byVariables = variables.given.filter((one) => one.name === name);
    // A family of variables is many small settings: flags win one by one.
    const given =
      setting.envFamily !== undefined ? [...byVariables, ...byFlags] : byFlags.length > 0 ? byFlags : byVariables;
    values[name] = valueOf(setting, given, problems);
    sources[name] = given.at(-1)?.source ?? 'default';
  }
  if (problems.length > 0) throw configError(...problems);
  return {
    table,
    values: Object.freeze(values) as ConfigValues<T>,
    sources: sources as Config<T>['sources'],
    proposals: {},
    warnings: variables.unknown.map((variable) => `${variable} is set, but no setting reads it`),
  };
}

/**
 * The second pass, once the scaler is loaded: its proposals replace defaults, never flags or environment.
 *
 * @throws RuntimeError `invalid-config` that names the scaler and each name that is unknown or not open to proposals, or value that is not allowed.
 */
export function applyProposal<T extends ConfigTable>(
  config: Config<T>,
  proposal: Proposal,
  scalerName: string,
): Config<T> {
  const problems: string[] = [];
  const values: Record<string, unknown> = { ...config.values };
  const sources: Record<string, ConfigSource> = { ...config.sources };
  for (const [name, proposed] of Object.entries(proposal)) {
    if (proposed === undefined) continue;
    const setting = Object.hasOwn(config.table, name) ? config.table[name] : undefined;
    if (!setting?.proposal) {
      const names = Object.keys(config.table).filter((key) => config.table[key]?.proposal);
      const fault = setting ? 'which is not open to proposals' : 'which no setting is named';
      problems.push(`scaler "${scalerName}" proposes ${name}, ${fault}, allowed is ${names.join(', ')}`);
      continue;
    }
    const where = `scaler "${scalerName}" proposes ${name}, which`;
    const value = valueOf(setting, [{ where, text: String(proposed) }], problems);
    if (sources[name] !== 'default') continue;
    values[name] = value;
    sources[name] = 'scaler';
  }
  if (problems.length > 0) throw configError(...problems);
  return {
    ...config,
    values: Object.freeze(values) as ConfigValues<T>,
    sources: sources as Config<T>['sources'],
    proposals: { ...proposal },
  };
}

/** Logs each value with its source and what the scaler proposed, secrets hidden, and the warnings. */
export function logConfig(config: Config<ConfigTable>, logger: Logger): void {
  const { table, values, sources, proposals } = config;
  const settings = Object.entries(table).map(([name, setting]) => {
    const value = values[name];
    const shown = value === undefined ? undefined : setting.secret ? '[secret]' : setting.parser.format(value);
    const proposed = proposals[name] !== undefined && setting.secret ? '[secret]' : proposals[name];
    return [name, { value: shown, source: sources[name], ...(proposed !== undefined && { proposed }) }];
  });
  logger.info('configuration', { settings: Object.fromEntries(settings) as unknown });
  for (const warning of config.warnings) logger.warn('configuration is odd', { warning });
}

/** The value of all texts for one setting, else its default; what is wrong with them goes to `problems`. */
function valueOf(
  setting: Setting<unknown>,
  given: readonly Pick<Given, 'where' | 'text'>[],
  problems: string[],
): unknown {
  const { default: standard, parser } = setting;
  const texts = given.length === 0 && standard !== undefined ? [{ where: 'default', text: standard }] : given;
  const values: unknown[] = [];
  for (const { where, text } of texts) {
    const result = parser.parse(text);
    if (result.ok) values.push(result.value);
    else {
      const shown = setting.secret ? '[secret]' : `"${text}"`;
      const reason = result.reason === undefined ? '' : ` (${result.reason})`;
      problems.push(`${where} is ${shown}, allowed is ${parser.allowed}${reason}`);
    }
  }
  return values.length > 1 ? parser.merge?.(values) : values[0];
}
