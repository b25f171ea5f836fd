import { expect, test } from '@jest/globals';
import { now } from '../testing/facts.ts';
import { brake, type BrakeFacts } from './brake.ts';
import type { Decision } from './decide.ts';

const settings = { parksPerTick: 5 };

function facts(parks: number, changes: Partial<BrakeFacts> = {}): BrakeFacts {
  const decisions: Decision[] = Array.from({ length: parks }, (_, i) => ({
    resource: { namespace: 'n', name: `r${i}` },
    action: 'park',
    reasons: ['idle'],
    verdict: 'idle',
  }));
  const lastFailure = { wallMs: 0, monotonicMs: now.monotonicMs - 90_000 };
  return { decisions, awake: 30, lastFailure, longestWindowMs: 60_000, braked: false, now, ...changes };
}

const parksOf = (decisions: readonly Decision[]) => decisions.filter(({ action }) => action === 'park').length;

test('too many at once after a failure are let through slowly, and the others say why', () => {
  const { decisions, braked, heldBack } = brake(facts(11), settings);
  expect({ parks: parksOf(decisions), braked, heldBack }).toEqual({ parks: 5, braked: true, heldBack: 6 });
  expect(decisions.at(-1)?.reasons).toEqual([
    'the brake is on: more than max(10, 20 %) of 30 went idle at once after a source failed or another replica took over',
    'idle',
  ]);
  expect(decisions.filter(({ heldBack: isHeld }) => isHeld)).toEqual(decisions.slice(5));
});

test('few at once, a share of many, or no failure of late: all go', () => {
  expect(brake(facts(10), settings)).toMatchObject({ braked: false, heldBack: 0 });
  expect(parksOf(brake(facts(20, { awake: 100 }), settings).decisions)).toBe(20);
  expect(parksOf(brake(facts(21, { awake: 100 }), settings).decisions)).toBe(5);
  expect(parksOf(brake(facts(30, { lastFailure: undefined }), settings).decisions)).toBe(30);
  const lastFailure = { wallMs: 0, monotonicMs: now.monotonicMs - 120_001 };
  expect(parksOf(brake(facts(30, { lastFailure }), settings).decisions)).toBe(30);
});

test('once on it stays on, however long ago the failure was, until few wait', () => {
  const later = { lastFailure: { wallMs: 0, monotonicMs: 0 }, braked: true };
  expect(brake(facts(25, later), settings)).toMatchObject({ braked: true, heldBack: 20 });
  expect(brake(facts(10, later), settings)).toMatchObject({ braked: false, heldBack: 0 });
});

test('each namespace has its turn, however many of another are before it', () => {
  const { decisions } = facts(100);
  const other = (namespace: string) => ({ ...decisions[0], resource: { namespace, name: 'web' } }) as Decision;
  const braked = brake(facts(0, { decisions: [...decisions, other('a'), other('b')] }), settings);
  const parked = braked.decisions.filter(({ action }) => action === 'park').map(({ resource }) => resource.namespace);
  expect(parked).toEqual(['n', 'n', 'n', 'a', 'b']);
});
