export interface Arguments {
  /** Empty: those that the run has by itself. */
  readonly names: readonly string[];
  readonly quick: boolean;
  readonly list: boolean;
  readonly writeReadme: boolean;
  /** Undefined: as many as the run has by itself. */
  readonly rounds: number | undefined;
  /** A commit that this tree is compared with, in place of its peers. */
  readonly against: string | undefined;
}

const usage =
  'npm run bench -- [name…] [--quick] [--rounds N] [--against COMMIT] · --list: the scenarios · --write-readme: the tables, from the results kept';

/** @throws Error whose message names what is wrong and what is allowed. */
export function parseArguments(argv: readonly string[], known: readonly string[]): Arguments {
  const names: string[] = [];
  const flags = new Set<string>();
  let rounds: number | undefined;
  let against: string | undefined;
  for (let i = 0; i < argv.length; i++) {
    const text = argv[i] ?? '';
    if (text === '--rounds') rounds = countFrom(argv[++i]);
    else if (text.startsWith('--rounds=')) rounds = countFrom(text.slice('--rounds='.length));
    else if (text === '--against') against = commitFrom(argv[++i]);
    else if (text.startsWith('--against=')) against = commitFrom(text.slice('--against='.length));
    else if (['--quick', '--list', '--write-readme'].includes(text)) flags.add(text);
    else if (text.startsWith('-')) throw new Error(`There is no option "${text}". ${usage}`);
    else if (known.includes(text)) names.push(text);
    else throw new Error(`There is no scenario "${text}"; there are ${known.join(', ')}.`);
  }
  return {
    names,
    quick: flags.has('--quick'),
    list: flags.has('--list'),
    writeReadme: flags.has('--write-readme'),
    rounds,
    against,
  };
}

function commitFrom(text: string | undefined): string {
  if (text !== undefined && text !== '' && !text.startsWith('-')) return text;
  throw new Error(`--against is "${text ?? ''}": it must be a commit, such as HEAD~1 or a hash`);
}

function countFrom(text: string | undefined): number {
  const value = Number(text);
  if (text !== undefined && /^\d+$/.test(text) && value > 0) return value;
  throw new Error(`--rounds is "${text ?? ''}": it must be a whole number above 0`);
}
