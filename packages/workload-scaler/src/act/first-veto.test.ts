import { expect, test } from '@jest/globals';
import { firstVeto } from './veto.ts';

test('of a thousand pods 32 are asked at once, and no veto is lost to those that answer after it', async () => {
  let now = 0;
  let most = 0;
  let asked = 0;
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const ask = async (pod: number): Promise<string | undefined> => {
    asked += 1;
    most = Math.max(most, ++now);
    for (let i = 0; i < (pod === 500 ? 1 : 3); i++) await turn();
    now -= 1;
    return pod === 500 ? 'busy' : undefined;
  };
  const pods = Array.from({ length: 1_000 }, (_, i) => i);
  expect(await firstVeto(pods, ask)).toBe('busy');
  expect(most).toBe(32);
  expect(asked).toBeLessThan(600);
  expect(await firstVeto(pods.slice(0, 400), ask)).toBeUndefined();
});
