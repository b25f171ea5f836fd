import { expect, test } from '@jest/globals';
import { KubeError, type KubeErrorCode } from '@scaler/kube';
import { createFakeClock } from '@scaler/testing-kit';
import { createLateKeys } from './late-keys.ts';

const clock = createFakeClock();
const failWith = (code: KubeErrorCode) => () => Promise.reject(new KubeError(code, 'it failed'));

test.each(['aborted', 'write-outcome-unknown'] as const)(
  'a key whose write ended as %s may come for a minute',
  async (code) => {
    const late = createLateKeys(clock);
    await expect(late.during('u', 'e', failWith(code))).rejects.toMatchObject({ code });
    expect(late.overForMs('u', undefined)).toBe(-60_000);
    expect(late.overForMs('other', undefined)).toBe(Infinity);
    await clock.advance(61_000);
    expect(late.overForMs('u', undefined)).toBe(1_000);
    await clock.advance(60_000);
    expect(late.overForMs('u', undefined)).toBe(Infinity);
  },
);

test('one that was seen does not come again; another may', async () => {
  const late = createLateKeys(clock);
  for (const key of ['e', 'f']) await late.during('u', key, failWith('aborted')).catch(() => undefined);
  expect(late.overForMs('u', 'e')).toBe(-60_000);
  late.seen('u', 'e');
  expect(late.overForMs('u', undefined)).toBe(-60_000);
  late.seen('other', 'f');
  expect(late.overForMs('u', 'f')).toBe(Infinity);
});

test('nor one that was written, or surely not', async () => {
  const late = createLateKeys(clock);
  await late.during('u', 'e', () => Promise.resolve());
  for (const code of ['conflict', 'test-failed', 'timeout'] as const)
    await expect(late.during('u', 'e', failWith(code))).rejects.toMatchObject({ code });
  expect(late.overForMs('u', undefined)).toBe(Infinity);
});
