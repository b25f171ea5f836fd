import { type ConfigTable, flagName } from './table.ts';

/** The settings of a command line. */
export interface ParsedArgv {
  /** Texts by setting name, in the order given. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** One sentence per mistake. */
  readonly problems: readonly string[];
}

/**
 * Reads `--name value`, `--name=value`, `--flag`, `--no-flag`. Not `util.parseArgs`: it stops at the first mistake,
 * and one run reports all of its mistakes.
 */
export function parseArgv(table: ConfigTable, argv: readonly string[]): ParsedArgv {
  const names = new Map(Object.keys(table).map((name) => [flagName(name), name]));
  const texts = new Map<string, string[]>();
  const problems: string[] = [];
  const rest = [...argv];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const option = readOption(table, names, arg, rest);
    if (typeof option === 'string') problems.push(option);
    else texts.set(option.name, [...(texts.get(option.name) ?? []), option.text]);
  }
  for (const [name, given] of texts) {
    if (given.length > 1 && !table[name]?.parser.merge) {
      const shown = table[name]?.secret ? '[secret]' : given.join(', ');
      problems.push(`${flagName(name)} is given ${given.length} times (${shown}), allowed is once`);
    }
  }
  return { texts, problems };
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
