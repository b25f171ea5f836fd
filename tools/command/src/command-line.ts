import { parseArgs } from 'node:util';
import type { Options, Values } from './options.ts';

/** A program that people start by hand. */
export interface Command<O extends Options> {
  /** What people type, without options: `npm run chaos`. */
  readonly name: string;
  /** One sentence: what it does. */
  readonly doc: string;
  readonly options?: O;
  /** What may stand beside the options; default: nothing. */
  readonly names?: Names;
  /** Environment variables that it reads, each with one sentence. */
  readonly variables?: Readonly<Record<string, string>>;
  /** What follows the name, each with what it does. */
  readonly examples: Readonly<Record<string, string>>;
}

/** Arguments without a dash. */
export interface Names {
  /** What one of them is, such as `trial`. */
  readonly what: string;
  readonly doc: string;
  /** Undefined: any. */
  readonly known?: readonly string[];
  /** How many there must be; default: as many as one likes. */
  readonly count?: number;
}

export interface Arguments<O extends Options> {
  readonly values: Values<O>;
  readonly names: readonly string[];
  /** The text to print instead of doing anything; undefined: nothing asked for it. */
  readonly help: string | undefined;
}

const helpOption = { help: { type: 'boolean', short: 'h' } } as const;

/**
 * What was given to the command.
 *
 * @throws Error with one sentence that names what is wrong, and what is allowed.
 */
export function readCommandLine<O extends Options>(command: Command<O>, argv: readonly string[]): Arguments<O> {
  const options: Options = command.options ?? {};
  const types = Object.fromEntries(
    Object.entries(options).map(([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }]),
  ) as Record<string, { type: 'boolean' | 'string' }>;
  // Not strict: Node's own messages are several sentences, and do not say what is allowed.
  const { tokens } = parseArgs({
    ...{ args: [...argv], options: { ...types, ...helpOption } },
    ...{ strict: false, allowPositionals: true, tokens: true },
  });
  const values: Record<string, unknown> = {};
  for (const [name, { fallback }] of Object.entries(options)) values[name] = fallback;
  const names: string[] = [];
  let help: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'positional') names.push(token.value);
    if (token.kind !== 'option') continue;
    if (token.name === 'help') help = helpOf(command);
    else values[token.name] = valueOf(command, token.name, token.rawName, token.value);
  }
  if (help === undefined) checkNames(command, names);
  return { values: values as Values<O>, names, help };
}

/** {@link readCommandLine} for a program: prints the help, or what is wrong, and ends it with the exit code 0 or 2. */
export function commandLine<O extends Options>(command: Command<O>, argv = process.argv.slice(2)): Arguments<O> {
  try {
    const read = readCommandLine(command, argv);
    if (read.help === undefined) return read;
    process.stdout.write(read.help);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(2);
  }
}

function valueOf({ name, options = {} }: Command<Options>, key: string, rawName: string, given?: string): unknown {
  const option = Object.hasOwn(options, key) ? options[key] : undefined;
  if (option === undefined) {
    const known = Object.keys(options).filter((one) => !options[one]?.hidden);
    throw new Error(`There is no option "${rawName}" of ${name}; there are ${listOf([...known, 'help'])}.`);
  }
  if (option.value === undefined && given !== undefined)
    throw new Error(`--${key} is "${given}", allowed is no value: it is a switch`);
  const value = option.value !== undefined && given === undefined ? undefined : option.read(given ?? '');
  if (value === undefined) throw new Error(`--${key} is "${given ?? ''}", allowed is ${option.allowed}`);
  return value;
}

const listOf = (names: readonly string[]): string => names.map((name) => `--${name}`).join(', ');

function checkNames({ name, names: wanted }: Command<Options>, names: readonly string[]): void {
  if (wanted === undefined) {
    if (names[0] !== undefined) throw new Error(`"${names[0]}" is not an option, and ${name} takes nothing else.`);
    return;
  }
  const { what, known, count } = wanted;
  const unknown = known && names.find((one) => !known.includes(one));
  if (unknown !== undefined) throw new Error(`There is no ${what} "${unknown}"; there are ${known?.join(', ')}.`);
  if (count !== undefined && names.length !== count)
    throw new Error(`${name} needs ${count} ${what}, not ${names.length}.`);
}

function helpOf({ name, doc, options = {}, names, variables = {}, examples }: Command<Options>): string {
  const rows = Object.entries(options).flatMap(([key, { doc: text, value, fallback, hidden }]): Row[] => {
    const end = value === undefined || fallback === undefined ? '' : `; default ${String(fallback)}`;
    return hidden ? [] : [[`--${key}${value === undefined ? '' : ` ${value}`}`, `${text}${end}`]];
  });
  const upper = names?.what.toUpperCase();
  const beside = names === undefined ? '' : ` ${names.count === undefined ? `[${upper}...]` : upper}`;
  const known = names?.known ? `: ${names.known.join(', ')}` : '';
  const begin = name.startsWith('npm ') ? `${name} --` : name;
  return [
    `Usage: ${begin} [options]${beside}`,
    '',
    doc,
    ...section('Options', [...rows, ['--help', 'prints this']]),
    ...section('Arguments', names === undefined ? [] : [[upper ?? '', `${names.doc}${known}`]]),
    ...section('Environment', Object.entries(variables)),
    ...section(
      'Examples',
      Object.entries(examples).map(([given, text]) => [given === '' ? name : `${begin} ${given}`, text]),
    ),
    '',
  ].join('\n');
}

type Row = readonly [left: string, right: string];

function section(title: string, rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([left]) => left.length));
  return ['', `${title}:`, ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)];
}
