import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Turns } from './wake-limits.ts';

/** Asks `count` times in one turn of the event loop; the answer is how many have begun, and has its own way to go on. */
function ask(turns: Turns, count: number): { begun: number } {
  const told = { begun: 0 };
  for (let i = 0; i < count; i++) {
    const turn = turns.take();
    if (turn === undefined) told.begun += 1;
    else void turn.then(() => (told.begun += 1));
  }
  return told;
}

test('eight begin at once, and eight more with each turn of the event loop', async () => {
  const told = ask(new Turns(8), 20);

  expect(told.begun).toBe(8);
  await setImmediate();
  expect(told.begun).toBe(16);
  await setImmediate();
  expect(told.begun).toBe(20);
});

test('those who come later have their turn after those who wait', async () => {
  const turns = new Turns(8);
  ask(turns, 16);
  await setImmediate();
  const later = ask(turns, 1);

  expect(later.begun).toBe(0);
  await setImmediate();
  expect(later.begun).toBe(1);
  await setImmediate();
  expect(ask(turns, 9).begun).toBe(8);
});
