import { type Arguments, flag, text, whole } from '@scaler/command';

const options = {
  quick: flag('a minute, on a few scenarios; the exit code is 1 when one is far from its peer'),
  rounds: whole({ doc: 'rounds of each scenario; default 8, with --quick 3', least: 1 }),
  against: text({
    ...{ doc: 'compares this tree with a commit, in place of its peers', value: 'COMMIT' },
    allowed: 'a commit, such as HEAD~1 or a hash',
  }),
  list: flag('prints the scenarios'),
  'write-readme': flag('writes the tables, from the results kept'),
};

/** The command line, with the names of the scenarios. */
export function commandOf(known: readonly string[]) {
  return {
    name: 'npm run bench',
    doc: 'The DLX under load, beside its peers in the same go.',
    options,
    names: { what: 'scenario', doc: 'the scenarios to run; default: all', known },
    examples: { '': 'all, half an hour', '--quick': 'a minute', '--against HEAD~1 small': 'beside another commit' },
  };
}

export type BenchArguments = Arguments<typeof options>;
