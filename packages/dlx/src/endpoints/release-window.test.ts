import { expect, test } from '@jest/globals';
import { ReleaseWindow } from './endpoint-state.ts';

/** Answers of an app that takes `eachMs` for one and serves them one after the other, or all at once. */
function answer(window: ReleaseWindow, eachMs: number, serial: boolean): void {
  const count = window.size;
  for (let i = 1; i <= count; i++) window.succeeded(serial ? eachMs * i : eachMs);
}

test('an app that serves all at once is given four times as many each time, up to 1024', () => {
  const window = new ReleaseWindow();
  const sizes = Array.from({ length: 5 }, () => {
    answer(window, 100, false);
    return window.size;
  });
  expect(sizes).toEqual([64, 256, 1024, 1024, 1024]);
});

test('with a slow answer among a windowful it is given twice as many', () => {
  const window = new ReleaseWindow();
  window.succeeded(100);
  window.succeeded(500);
  answer(window, 100, false);
  expect(window.size).toBe(32);
  answer(window, 100, false);
  expect(window.size).toBe(128);
});

test('an app that serves one after the other is never given more than 16', () => {
  const window = new ReleaseWindow();
  for (let i = 0; i < 1000; i++) answer(window, 5, true);
  expect(window.size).toBe(16);
});

test('an app whose answers differ is given more as long as one in five is fast', () => {
  const window = new ReleaseWindow();
  for (let i = 0; i < 2000; i++) window.succeeded(i % 4 === 0 ? 10 : 50);
  expect(window.size).toBeGreaterThan(64);
});

test('after a failure it begins with one, and opens by one with each answer', () => {
  const window = new ReleaseWindow();
  window.failed();
  expect(window.size).toBe(1);
  for (let i = 0; i < 15; i++) window.succeeded(1000);
  expect(window.size).toBe(16);
  window.waited();
  expect(window.size).toBe(32);
});
