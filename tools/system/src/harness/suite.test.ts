import { expect, test } from '@jest/globals';
import { all, type Finding, none } from './report.ts';
import { type Case, runSuite, type Suite } from './suite.ts';

type One = Case<string>;

function of(name: string, run: () => Promise<readonly Finding[]>, more: Partial<One> = {}): One {
  return { name, doc: `shows ${name}`, run, ...more };
}

const good = of('good', async () => [none('lost', 0), all('asked', 3, 3)]);
const bad = of('bad', async () => [none('lost', 2), all('asked', 3, 3)]);

async function run(
  cases: readonly One[],
  { names = [] as string[], ...more }: Partial<Suite<string, One>> & { names?: string[] } = {},
): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const suite = { cases, limitMs: 10_000, prepare: () => ({ ground: 'ground' }), ...more };
  const code = await runSuite(suite, names, (line) => lines.push(line));
  return { code, text: lines.join('\n') };
}

test('all good: exit code 0, each finding and each verdict is printed', async () => {
  const { code, text } = await run([good]);
  expect(code).toBe(0);
  expect(text).toContain('=== good: shows good');
  expect(text).toMatch(/ok {2}asked +3 +3/);
  expect(text).toMatch(/good +passed +0$/m);
  expect(text).not.toContain('skipped');
});

test('one case not good: exit code 1, with its first finding that is not; the other cases run nevertheless', async () => {
  const { code, text } = await run([bad, good]);
  expect(code).toBe(1);
  expect(text).toMatch(/NOT {2}lost +2 +0/);
  expect(text).toMatch(/bad +FAILED +0 +lost: 2$/m);
  expect(text).toMatch(/good +passed/);
});

test('only the named cases run', async () => {
  const { code, text } = await run([bad, good], { names: ['good'] });
  expect(code).toBe(0);
  expect(text).not.toContain('bad');
});

test('a case that rejects, one without findings, and one that does not end have failed', async () => {
  const throws = of('throws', () => Promise.reject(new Error('no such thing')));
  const empty = of('empty', async () => []);
  const endless = of('endless', () => new Promise(() => undefined), { limitMs: 1 });
  const { code, text } = await run([throws, empty, endless]);
  expect(code).toBe(1);
  expect(text).toMatch(/throws +FAILED +0 +it ran to its end: Error: no such thing/);
  expect(text).toMatch(/empty +FAILED/);
  expect(text).toMatch(/endless +FAILED +0 +it ran to its end: Error: its time limit is over/);
});

test('the ground is given, its signal aborts at the end of the time, and it is left as it was however the case ended', async () => {
  const ended: string[] = [];
  const seen: unknown[] = [];
  const cases = [
    of('one', async function (this: One, ...given: unknown[]) {
      seen.push(...given);
      return [none('lost', 0)];
    }),
    of('two', () => Promise.reject(new Error('broken'))),
    of('three', () => new Promise(() => undefined), { limitMs: 1 }),
  ];
  const signals: AbortSignal[] = [];
  await run(cases, {
    prepare: ({ name }, signal) => {
      signals.push(signal);
      return { ground: `ground of ${name}`, end: async () => void ended.push(name) };
    },
  });
  expect(seen).toEqual(['ground of one']);
  expect(ended).toEqual(['one', 'two', 'three']);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, true]);
});

test('a case that cannot run is skipped with its reason, and parts left out are listed too; that is no failure', async () => {
  const leftOut: string[] = [];
  const half = of('half', async () => {
    leftOut.push('half: no nginx');
    return [none('lost', 0)];
  });
  const { code, text } = await run([good, half], {
    leftOut,
    unable: ({ name }) => (name === 'good' ? 'it needs 2 nodes, and there is 1' : undefined),
  });
  expect(code).toBe(0);
  expect(text).toMatch(/good +skipped +0 +it needs 2 nodes/);
  expect(text.slice(text.indexOf('\nskipped:'))).toBe(
    '\nskipped:\n  good: it needs 2 nodes, and there is 1\n  half: no nginx',
  );
});

test('requests are in the table where a case counts them', async () => {
  const { text } = await run([good, bad], {
    prepare: ({ name }) => ({ ground: '', counted: name === 'good' ? { sent: 30, lost: 1 } : { sent: 0, lost: 0 } }),
  });
  expect(text).toMatch(/verdict +seconds +sent +lost/);
  expect(text).toMatch(/good +passed +0 +30 +1/);
  expect(text).toMatch(/bad +FAILED +0 +lost: 2/);
});
