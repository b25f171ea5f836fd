import { describe, expect, test } from '@jest/globals';
import { newEpoch, readToken } from './token.ts';
import { workload } from '../testing/objects.ts';

const state = { epoch: 'e1', uid: 'uid-web', since: '2026-01-01T00:00:00.000Z', replicas: 2, by: 'me', reason: 'test' };

function marked(changes: { labels?: Record<string, string>; state?: unknown; text?: string } = {}) {
  return workload({
    labels: { 'scaler/phase': 'asleep', 'scaler/epoch': 'e1', ...changes.labels },
    annotations: { 'scaler/state': changes.text ?? JSON.stringify(changes.state ?? state) },
  });
}

test('phase, epoch and state are read where they belong together', () => {
  expect(readToken(marked())).toEqual({ phase: 'asleep', epoch: 'e1', state });
});

test('a workload without our labels has an unknown phase', () => {
  expect(readToken(workload())).toEqual({ phase: undefined, epoch: undefined, why: 'it has no token yet' });
});

describe('the phase is unknown, with the reason, when', () => {
  test.each([
    ['the phase is no phase', marked({ labels: { 'scaler/phase': 'dozing' } }), '"dozing"'],
    ['the annotation is missing', workload({ labels: marked().labels }), 'is missing'],
    ['the annotation is not JSON', marked({ text: '{' }), 'is not JSON'],
    ['the annotation is JSON, but not ours', marked({ text: 'null' }), 'lacks'],
    ['the replicas are no count', marked({ state: { ...state, replicas: -1 } }), 'lacks'],
    ['the time is none', marked({ state: { ...state, since: 'yesterday' } }), 'lacks'],
    ['it was copied from another object', marked({ state: { ...state, uid: 'other' } }), 'another object'],
    ['the annotation is older than the labels (rollout undo)', marked({ labels: { 'scaler/epoch': 'e2' } }), 'e2'],
  ])('%s', (_, object, why) => {
    const token = readToken(object);
    expect(token.phase).toBeUndefined();
    expect(token.epoch).toBe(object.labels['scaler/epoch']);
    expect(token.why).toContain(why);
  });

  test('one of the two labels is missing', () => {
    const { 'scaler/phase': phase = '', 'scaler/epoch': epoch = '' } = marked().labels;
    expect(readToken({ ...marked(), labels: { 'scaler/phase': phase } }).why).toContain('scaler/epoch is missing');
    expect(readToken({ ...marked(), labels: { 'scaler/epoch': epoch } }).why).toContain('scaler/phase is missing');
  });
});

test('epochs differ, and may be values of labels', () => {
  const epochs = new Set(Array.from({ length: 1_000 }, newEpoch));
  expect(epochs.size).toBe(1_000);
  for (const epoch of epochs) expect(epoch).toMatch(/^[0-9a-f]{16}$/);
});
