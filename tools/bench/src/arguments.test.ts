import { describe, expect, test } from '@jest/globals';
import { readCommandLine } from '@scaler/command';
import { type BenchArguments, commandOf } from './arguments.ts';

const command = commandOf(['small', 'headers']);
const parse = (line: string): BenchArguments =>
  readCommandLine(
    command,
    line.split(' ').filter((text) => text !== ''),
  );

describe('the command line', () => {
  test('may be empty', () => {
    expect(parse('')).toMatchObject({
      names: [],
      values: { quick: false, list: false, 'write-readme': false, rounds: undefined, against: undefined },
    });
  });

  test('takes names and options in any order', () => {
    expect(parse('--quick headers --rounds 12 small')).toMatchObject({
      names: ['headers', 'small'],
      values: { quick: true, rounds: 12 },
    });
    expect(parse('--list --write-readme --rounds=3')).toMatchObject({
      values: { list: true, 'write-readme': true, rounds: 3 },
    });
  });

  test('takes a commit to compare with', () => {
    expect(parse('--against HEAD~1 small')).toMatchObject({ values: { against: 'HEAD~1' }, names: ['small'] });
    expect(parse('--against=abc123')).toMatchObject({ values: { against: 'abc123' } });
  });

  test.each(['--against', '--against=', '--against --quick'])('is refused: %s', (line) => {
    expect(() => parse(line)).toThrow('allowed is a commit, such as HEAD~1 or a hash');
  });

  test('is refused with the scenarios that there are', () => {
    expect(() => parse('smal')).toThrow('There is no scenario "smal"; there are small, headers.');
  });

  test('is refused with the options that there are', () => {
    expect(() => parse('--fast')).toThrow(/no option "--fast".*--quick.*--rounds.*--list.*--write-readme/);
  });

  test.each(['--rounds', '--rounds 0', '--rounds -1', '--rounds 1.5', '--rounds=', '--rounds many'])(
    'is refused: %s',
    (line) => {
      expect(() => parse(line)).toThrow('allowed is a whole number of at least 1');
    },
  );
});
