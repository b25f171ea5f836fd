import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { EndpointState } from '../endpoints/endpoint-state.ts';
import { BaseAttempt } from './attempt.ts';
import type { Way } from './carrier.ts';
import type { Exchange } from './exchange.ts';

class TestAttempt extends BaseAttempt {
  readonly #heard: string[];

  constructor(heard: string[], wasHeld: boolean, state: EndpointState) {
    const x = { wasHeld, refuse: () => heard.push(`refuse ${state.window.used}`) } as unknown as Exchange;
    super(x, { pump: () => heard.push(`pump ${state.window.used}`) } as unknown as Way<Exchange>, state);
    this.#heard = heard;
  }

  dispatch(): void {
    this.refuse('upstream-reset', 'broke off');
  }

  protected drop(): void {
    this.#heard.push('drop');
  }

  protected letGo(): void {}

  leave(): void {
    this.leavePlace();
  }
}

test.each([
  ['was held', true, ['drop', 'refuse 1', 'pump 0']],
  ['passed at once', false, ['drop', 'refuse 0']],
])(
  'a try ends once; one of a request that %s leaves its place after what became of that is known',
  (_how, held, order) => {
    const heard: string[] = [];
    const state = new EndpointState('a:1', { address: 'a', port: 1, id: 'a' });
    const attempt = new TestAttempt(heard, held, state);
    attempt.dispatch();
    attempt.abort();
    expect(heard).toEqual(order);
  },
);

test('a place that is left goes to the next request, once, when it is free already', () => {
  const heard: string[] = [];
  const state = new EndpointState('a:1', { address: 'a', port: 1, id: 'a' });
  const attempt = new TestAttempt(heard, true, state);
  expect([state.window.used, heard]).toEqual([1, []]);
  attempt.leave();
  attempt.leave();
  expect([state.window.used, heard]).toEqual([0, ['pump 0']]);
});

test('no attempt releases others by itself: a place that is left does', () => {
  const root = join(import.meta.dirname, '..');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.test)\.ts$/.test(file),
  );
  const texts = files.map((file) => readFileSync(join(root, file), 'utf8'));
  const attempts = texts.filter((text) => /^(export )?(abstract )?class \w+Attempt\b/m.test(text));
  expect(attempts.length).toBeGreaterThanOrEqual(5);
  expect(attempts.filter((text) => text.includes('pump('))).toEqual([expect.stringContaining('class BaseAttempt')]);
});
