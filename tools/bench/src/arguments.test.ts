import { describe, expect, test } from '@jest/globals';
import { parseArguments } from './arguments.ts';

const known = ['small', 'headers'];
const parse = (line: string): ReturnType<typeof parseArguments> =>
  parseArguments(
    line.split(' ').filter((text) => text !== ''),
    known,
  );

describe('the command line', () => {
  test('may be empty', () => {
    expect(parse('')).toEqual({ names: [], quick: false, list: false, writeReadme: false });
  });

  test('takes names and options in any order', () => {
    expect(parse('--quick headers --rounds 12 small')).toMatchObject({
      names: ['headers', 'small'],
      quick: true,
      rounds: 12,
    });
    expect(parse('--list --write-readme --rounds=3')).toMatchObject({ list: true, writeReadme: true, rounds: 3 });
  });

  test('takes a commit to compare with', () => {
    expect(parse('--against HEAD~1 small')).toMatchObject({ against: 'HEAD~1', names: ['small'] });
    expect(parse('--against=abc123')).toMatchObject({ against: 'abc123' });
  });

  test.each(['--against', '--against=', '--against --quick'])('is refused: %s', (line) => {
    expect(() => parse(line)).toThrow('it must be a commit, such as HEAD~1 or a hash');
  });

  test('is refused with the scenarios that there are', () => {
    expect(() => parse('smal')).toThrow('There is no scenario "smal"; there are small, headers.');
  });

  test('is refused with the options that there are', () => {
    expect(() => parse('--fast')).toThrow(/no option "--fast".*--quick.*--rounds N.*--list.*--write-readme/);
  });

  test.each(['--rounds', '--rounds 0', '--rounds -1', '--rounds 1.5', '--rounds=', '--rounds many'])(
    'is refused: %s',
    (line) => {
      expect(() => parse(line)).toThrow('must be a whole number above 0');
    },
  );
});
