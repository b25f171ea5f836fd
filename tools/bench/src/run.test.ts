import { describe, expect, test } from '@jest/globals';
import { none } from './figure.ts';
import { missingPrograms, runScenario, verdictOf } from './run.ts';
import type { Figure, Scenario } from './scenario.ts';

const ratio: Figure = { name: 'rate', value: 1.5, unit: '×', atLeast: 2, quickAtLeast: 1.8 };

describe('a verdict', () => {
  test('is good when every bound is kept', () => {
    expect(verdictOf([{ ...ratio, value: 1.9 }, none('failed', 0)], true, false)).toBe('good');
    expect(verdictOf([{ ...ratio, value: 1.9 }, none('failed', 0)], false, false)).toBe('missed');
  });

  test('is left open by a quick run in doubt, and by no other', () => {
    expect(verdictOf([ratio], true, true)).toBe('undecided');
    expect(verdictOf([ratio], true, false)).toBe('missed');
    expect(verdictOf([ratio], false, true)).toBe('missed');
  });

  test('is not left open where a count is wrong, in doubt or not', () => {
    expect(verdictOf([ratio, none('failed', 1)], true, true)).toBe('missed');
  });
});

const scenario = (more: Partial<Scenario>): Scenario => ({ name: 'x', doc: 'X.', run: async () => [ratio], ...more });

async function run(one: Scenario, quick: boolean): Promise<{ verdict: string; text: string }> {
  const lines: string[] = [];
  const verdict = await runScenario(one, { quick, rounds: 1, keep: false, log: (line) => lines.push(line) });
  return { verdict, text: lines.join('\n') };
}

describe('a run', () => {
  test('skips a scenario that cannot run, and says so', async () => {
    const { verdict, text } = await run(scenario({ needs: ['no-such-program'] }), false);
    expect([verdict, text]).toEqual(['skipped', expect.stringContaining('!!! SKIPPED: no-such-program not on PATH')]);
  });

  test('lets a gate do without programs when it is quick', () => {
    const gate = scenario({ needs: ['no-such-program'], isGate: true });
    expect([missingPrograms(gate, true), missingPrograms(gate, false)]).toEqual([[], ['no-such-program']]);
  });

  test('prints why a scenario failed, and goes on', async () => {
    const broken = scenario({
      run: async () => {
        throw new Error('no app');
      },
    });
    const { verdict, text } = await run(broken, false);
    expect([verdict, text]).toEqual(['failed', expect.stringContaining('!!! FAILED: Error: no app')]);
  });

  test('marks missed figures, and prints doubts', async () => {
    const doubtful = scenario({
      run: async ({ doubt }) => {
        doubt('it was noisy');
        return [ratio];
      },
    });
    const { verdict, text } = await run(doubtful, true);
    expect(verdict).toBe('undecided');
    expect(text).toMatch(/NOT {2}rate .* ≥ 1\.8 ×/);
    expect(text).toContain('!!! IN DOUBT: it was noisy');
  });
});
