import { describe, expect, test } from '@jest/globals';
import { type Command, readCommandLine } from './command-line.ts';
import { choice, flag, type Options, text, whole, wholes } from './options.ts';

const bake = {
  name: 'npm run bake',
  doc: 'Bakes.',
  options: {
    minutes: whole({ doc: 'how long', least: 1, fallback: 30 }),
    rack: whole({ doc: 'which rack', least: 0 }),
    turns: wholes({ doc: 'when to turn it' }),
    heat: choice({ doc: 'from where', of: ['above', 'below'] }),
    into: text({ doc: 'where to', value: 'FOLDER', allowed: 'a folder' }),
    quick: flag('burns'),
    child: flag('', { hidden: true }),
  },
  names: { what: 'bread', doc: 'which; default: all', known: ['rye', 'wheat'] },
  variables: { OVEN: 'its address' },
  examples: { '': 'all of them', '--quick rye': 'one, soon' },
} satisfies Command<Options>;

const read = (line: string): ReturnType<typeof readCommandLine> =>
  readCommandLine<typeof bake.options>(
    bake,
    line.split(' ').filter((word) => word !== ''),
  );

describe('what is given is read', () => {
  test('nothing: the defaults', () => {
    expect(read('')).toEqual({
      values: {
        minutes: 30,
        rack: undefined,
        turns: undefined,
        heat: undefined,
        into: undefined,
        quick: false,
        child: false,
      },
      names: [],
      help: undefined,
    });
  });

  test('names and options in any order, a value beside its option or behind an equals sign', () => {
    expect(read('rye --minutes 5 --quick wheat --heat=below --into=a=b --child --rack 0 --turns 5,10')).toEqual({
      values: { minutes: 5, rack: 0, turns: [5, 10], heat: 'below', into: 'a=b', quick: true, child: true },
      names: ['rye', 'wheat'],
      help: undefined,
    });
  });

  test('the last of two', () => expect(read('--minutes 5 --minutes 6')).toMatchObject({ values: { minutes: 6 } }));
});

describe('what is wrong is one sentence', () => {
  test.each([
    [
      '--nonsense',
      'There is no option "--nonsense" of npm run bake; there are --minutes, --rack, --turns, --heat, --into',
    ],
    ['-x', 'There is no option "-x" of npm run bake; there are --minutes'],
    ['--toString', 'There is no option "--toString"'],
    ['--minutes many', '--minutes is "many", allowed is a whole number of at least 1'],
    ['--minutes 0', '--minutes is "0", allowed is a whole number of at least 1'],
    ['--minutes -1', '--minutes is "-1", allowed is a whole number of at least 1'],
    ['--minutes 1.5', '--minutes is "1.5", allowed is'],
    ['--minutes 1e3', '--minutes is "1e3", allowed is'],
    ['--minutes 9007199254740993', 'allowed is a whole number'],
    ['--minutes', '--minutes is "", allowed is a whole number of at least 1'],
    ['--minutes=', '--minutes is "", allowed is a whole number of at least 1'],
    ['--turns 5,x', '--turns is "5,x", allowed is a list of whole numbers, such as 3,17'],
    ['--heat left', '--heat is "left", allowed is one of above, below'],
    ['--into --quick', '--into is "--quick", allowed is a folder'],
    ['--quick=no', '--quick is "no", allowed is no value: it is a switch'],
    ['spelt', 'There is no bread "spelt"; there are rye, wheat.'],
  ])('%s', (line, message) => {
    expect(() => read(line)).toThrow(message);
    expect(() => read(line)).not.toThrow(/\n/);
  });

  test('too few or too many names, or any where there are none', () => {
    const { names: _, ...none } = bake;
    expect(() => readCommandLine(none, ['rye'])).toThrow(
      '"rye" is not an option, and npm run bake takes nothing else.',
    );
    const one = { ...none, names: { what: 'folder', doc: 'where to', count: 1 } };
    expect(readCommandLine(one, ['here'])).toMatchObject({ names: ['here'] });
    expect(() => readCommandLine(one, [])).toThrow('npm run bake needs 1 folder, not 0.');
  });
});

test('the help has usage, options with their defaults, names, variables and examples', () => {
  expect(read('--help').help).toBe(
    `Usage: npm run bake -- [options] [BREAD...]

Bakes.

Options:
  --minutes N    how long; default 30
  --rack N       which rack
  --turns N,N    when to turn it
  --heat NAME    from where
  --into FOLDER  where to
  --quick        burns
  --help         prints this

Arguments:
  BREAD  which; default: all: rye, wheat

Environment:
  OVEN  its address

Examples:
  npm run bake                 all of them
  npm run bake -- --quick rye  one, soon
`,
  );
  expect(read('-h').help).toBe(read('--help').help);
});
