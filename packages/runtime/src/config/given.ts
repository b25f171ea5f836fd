import { type ConfigTable, envName, envPrefix, flagName } from './setting.ts';

/** A text that was given for a setting. */
export interface Given {
  /** The setting's name. */
  name: string;
  /** The flag or variable, for messages. */
  where: string;
  text: string;
  source: 'flag' | 'env';
}

/**
 * Reads `--name value`, `--name=value`, `--flag`, `--no-flag`, with one sentence per mistake. Not `util.parseArgs`: it stops
 * at the first mistake, and one run reports all of its mistakes.
 */
export function fromFlags(table: ConfigTable, argv: readonly string[]): { given: Given[]; problems: string[] } {
  const names = new Map(Object.keys(table).map((name) => [flagName(name), name]));
  const given: Given[] = [];
  const problems: string[] = [];
  const rest = [...argv];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const option = readOption(table, names, arg, rest);
    if (typeof option === 'string') problems.push(option);
    else given.push({ ...option, where: flagName(option.name), source: 'flag' });
  }
  for (const [name, all] of Map.groupBy(given, (one) => one.name)) {
    if (all.length > 1 && !table[name]?.parser.merge) {
      const shown = table[name]?.secret ? '[secret]' : all.map(({ text }) => text).join(', ');
      problems.push(`${flagName(name)} is given ${all.length} times (${shown}), allowed is once`);
    }
  }
  return { given, problems };
}

/** The option that `arg` begins, with its value from `rest` when that is a word of its own; or a sentence on what is wrong. */
function readOption(
  table: ConfigTable,
  names: ReadonlyMap<string, string>,
  arg: string,
  rest: string[],
): { name: string; text: string } | string {
  const [, flag = arg, inline] = /^(--[^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
  const negated = names.get(flag.replace(/^--no-/, '--'));
  if (flag.startsWith('--no-') && negated !== undefined && isBoolean(table, negated)) {
    return inline === undefined ? { name: negated, text: 'false' } : `${flag} takes no value, but "${inline}" is given`;
  }
  const name = names.get(flag);
  if (name === undefined) {
    return arg.startsWith('-')
      ? `unknown flag ${flag}, --help lists all`
      : `unknown argument "${arg}", flags only are allowed`;
  }
  if (inline !== undefined) return { name, text: inline };
  if (isBoolean(table, name)) return { name, text: 'true' };
  const next = rest[0];
  if (next === undefined || next.startsWith('--')) {
    return `${flag} has no value, allowed is ${table[name]?.parser.allowed ?? ''}`;
  }
  rest.shift();
  return { name, text: next };
}

function isBoolean(table: ConfigTable, name: string): boolean {
  return table[name]?.parser.schema['type'] === 'boolean';
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that Kubernetes puts into every pod for a Service named `scaler-…`, if `enableServiceLinks` is on. */
const serviceLink = /_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/**
 * Reads the variables of a table, and names those with the prefix that no setting reads. An empty variable counts as not
 * set, as in a chart that leaves a value blank.
 */
export function fromEnvironment(table: ConfigTable, env: Environment): { given: Given[]; unknown: string[] } {
  const given: Given[] = [];
  const known = new Set<string>();
  for (const [name, { envFamily }] of Object.entries(table)) {
    const stem = `${envPrefix}${envFamily}_`;
    for (const variable of envFamily === undefined ? [envName(name)] : family(env, stem)) {
      known.add(variable);
      const value = env[variable];
      if (value === undefined || value === '') continue;
      const text = envFamily === undefined ? value : `${memberName(variable, stem)}=${value}`;
      given.push({ name, where: variable, text, source: 'env' });
    }
  }
  const unknown = Object.keys(env).filter((v) => v.startsWith(envPrefix) && !known.has(v) && !serviceLink.test(v));
  return { given, unknown };
}

function family(env: Environment, stem: string): string[] {
  return Object.keys(env)
    .filter((variable) => variable.startsWith(stem) && variable.length > stem.length)
    .sort();
}

/** `SCALER_OPTION_BASE_PORT` → `basePort`. */
function memberName(variable: string, stem: string): string {
  return variable
    .slice(stem.length)
    .toLowerCase()
    .replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
