// One cell of the table of closes, in a process of its own: the parent kills it when it turns for ever.
import { calls, type Moment, type Side, type State } from './calls.ts';
import { Tries } from './tries.ts';

export interface Cell {
  readonly side: Side;
  readonly state: State;
  readonly call: string;
  readonly moment: Moment;
}

const atOnce = 10;
const [cells, count] = JSON.parse(process.argv[2] as string) as [Cell[], number];

for (const { side, state, call, moment } of cells) {
  const found = calls.find(({ name }) => name === call);
  if (found === undefined) throw new Error(`there is no call "${call}"`);
  const seen: Record<string, number> = {};
  const rssBefore = process.memoryUsage.rss();
  let begun = 0;
  // Each over a connection of its own: most of a try is waiting.
  const some = async (): Promise<void> => {
    const tries = new Tries(side, state);
    while (begun++ < count) {
      const told = await tries.run(found, moment);
      seen[told] = (seen[told] ?? 0) + 1;
    }
    tries.close();
  };
  await Promise.all(Array.from({ length: atOnce }, some));
  process.send?.({ seen, grownMb: Math.round((process.memoryUsage.rss() - rssBefore) / 2 ** 20) });
}
process.exit(0);
