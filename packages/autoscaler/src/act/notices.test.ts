import { expect, test } from '@jest/globals';
import type { Notice, ResourceRef } from '@scaler/scaler-types';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import type { Decision } from '../decide/decide.ts';
import { createNotices } from './notices.ts';

const resource: ResourceRef = { namespace: 'default', name: 'web' };
const decision = (verdict: Decision['verdict']): Decision => ({
  resource,
  action: 'stay',
  reasons: ['because'],
  verdict,
});

function prepare(tell?: (notice: Notice) => void) {
  const clock = createFakeClock();
  const sent: string[] = [];
  const passOn = tell ?? ((notice: Notice): unknown => sent.push(notice.reason));
  const scaler = { tell: (_ref: ResourceRef, notice: Notice): void => void passOn(notice) };
  const notices = createNotices({ scaler, clock, logger: silentLogger, patienceMs: () => 20_000 });
  const tick = async (verdict: Decision['verdict']) => {
    notices.ticked([decision(verdict)]);
    await clock.advance(10_000);
    return sent;
  };
  return { notices, tick, sent };
}

test('a resource that is unknown for no longer than may be gets no notice', async () => {
  const { tick, sent } = prepare();
  for (const verdict of ['unknown', 'unknown', 'unknown', 'busy', 'unknown', 'unknown', 'unknown', 'idle'] as const) {
    await tick(verdict);
  }
  expect(sent).toEqual([]);
});

test('an intent of the owner or a cooldown in between neither begins nor ends it', async () => {
  const { tick, sent, notices } = prepare();
  for (const verdict of ['unknown', undefined, 'unknown', 'unknown', undefined, 'unknown'] as const)
    await tick(verdict);
  expect(sent).toEqual(['IdlenessUnknown']);
  expect(notices.open).toBe(1);
  expect(await tick('idle')).toEqual(['IdlenessUnknown', 'IdlenessKnown']);
  expect(notices.open).toBe(0);
});

test('a resource that the mass brake holds back gets one notice, each time that it begins', async () => {
  const { notices, sent } = prepare();
  const held: Decision = { ...decision('idle'), heldBack: true };
  for (const one of [held, held, decision('idle'), held]) notices.ticked([one]);
  expect(sent).toEqual(['HeldBack', 'HeldBack']);
});

test('a resource that is gone is forgotten, and a scaler that throws does no harm', async () => {
  const { tick, notices } = prepare(() => {
    throw new Error('no');
  });
  for (let ticks = 0; ticks < 4; ticks++) await tick('unknown');
  expect(notices.open).toBe(1);
  notices.ticked([]);
  expect(notices.open).toBe(0);
});
