import { expect, test } from '@jest/globals';
import { generate } from './generate.ts';

test('a seed gives its script again, a longer one begins with it, and another seed gives another', () => {
  expect(generate(7, 40, 11)).toEqual(generate(7, 40, 11));
  expect(generate(7, 80, 11).slice(0, 40)).toEqual(generate(7, 40, 11));
  expect(generate(8, 40, 11)).not.toEqual(generate(7, 40, 11));
});

test('every kind of step comes about, and a kube-proxy is never frozen for longer than the product was told of', () => {
  const steps = generate(1, 2_000, 11);
  const kinds = new Set(steps.map((step) => step.do));
  const all =
    'pass ask metric delete kill roll-out dlx-count restart-api freeze scale roll-out-workload edit-service opt';
  expect([...kinds].sort()).toEqual(all.split(' ').sort());
  const proxies = steps.filter((step) => step.do === 'freeze' && step.program === 'kube-proxy');
  expect(proxies.length).toBeGreaterThan(0);
  for (const step of proxies) expect(step).toMatchObject({ seconds: 1 });
});
