import { expect, test } from '@jest/globals';
import { claimLoopback } from './loopback.ts';

test('clusters get ranges of their own, and a range is free again when its cluster is gone', async () => {
  const first = await claimLoopback();
  const second = await claimLoopback();
  try {
    expect(second.prefix).not.toBe(first.prefix);
    await expect(claimLoopback(first.prefix)).rejects.toMatchObject({ code: 'prefix-taken' });
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
  const again = await claimLoopback(first.prefix);
  await again.close();
});

test('an address comes back only after all others', async () => {
  const loopback = await claimLoopback();
  try {
    const first = loopback.takePodIP();
    loopback.releasePodIP(first);
    expect(loopback.takePodIP()).not.toBe(first);
    for (let i = 0; i < 127 * 254 - 1; i++) loopback.takePodIP();
    expect(() => loopback.takePodIP()).toThrow('in use');
  } finally {
    await loopback.close();
  }
});

test('a prefix that is none is refused', async () => {
  await expect(claimLoopback('10.0')).rejects.toMatchObject({ code: 'prefix-invalid' });
});
