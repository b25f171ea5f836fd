import { expect, test } from '@jest/globals';
import { generate } from './generate.ts';
import { histories, type History } from './histories.ts';
import type { StepKind } from './step.ts';

test('the same seed gives the same script, another one another', () => {
  expect(generate(7, 300)).toEqual(generate(7, 300));
  expect(generate(8, 300)).not.toEqual(generate(7, 300));
});

test('a script is as long as was asked for, and ends when everything has settled', () => {
  for (const length of [2, 3, 50, 201]) {
    const script = generate(1, length);
    expect(script).toHaveLength(length);
    expect(script.at(-1)).toEqual({ do: 'settle' });
  }
});

test('a long script has every kind of step, and plain JSON throughout', () => {
  const script = Array.from({ length: 10 }, (_, seed) => generate(seed, 300)).flat();
  const kinds = new Set<StepKind>(script.map((step) => step.do));
  const all: Readonly<Record<StepKind, true>> = {
    ...{ pass: true, request: true, traffic: true, 'wake-all': true, metric: true, truth: true, 'metrics-down': true },
    ...{ 'api-fault': true, 'cut-watches': true, 'stale-watches': true, 'freeze-watches': true, 'restart-api': true },
    ...{ 'clock-jump': true, kill: true, 'kill-at-write': true, 'freeze-leader': true, drain: true, 'dlx-count': true },
    ...{ interleave: true, scale: true, 'roll-out': true, 'strip-key': true, 'edit-service': true },
    ...{ 'recreate-service': true, opt: true, intent: true, veto: true, 'proxy-lag': true, settle: true },
  };
  expect([...kinds].sort()).toEqual(Object.keys(all).sort());
  expect(JSON.parse(JSON.stringify(script))).toEqual(script);
});

test('long scripts have writes of each kind that all come late', () => {
  const script = Array.from({ length: 50 }, (_, seed) => generate(seed, 200)).flat();
  const late = script.filter((step) => step.do === 'api-fault' && step.fault === 'late' && step.share === 1);
  const kinds = new Set(late.map((step) => 'kind' in step && step.kind));
  for (const kind of ['services', 'endpointslices', 'deployments', 'statefulsets']) expect(kinds).toContain(kind);
});

test('a kept history is plain JSON, and has seeds', () => {
  for (const history of Object.values<History>(histories)) {
    expect(JSON.parse(JSON.stringify(history))).toEqual(history);
    expect(history.seeds.length).toBeGreaterThan(0);
  }
});
