import { expect, test } from '@jest/globals';
import { createManualClock } from '../testing/manual-clock.ts';
import { createLogSink } from '../testing/log-sink.ts';
import { fastifyLogger } from './fastify-logger.ts';

test('a line has time, level, app, message and fields, those of the child too', () => {
  const sink = createLogSink({ clock: createManualClock() });
  sink.logger.child({ namespace: 'a' }).info('parked', { resource: 'web' });
  expect(sink.texts).toEqual([
    '{"time":"1970-01-01T00:00:00.000Z","level":"info","app":"test","msg":"parked","namespace":"a","resource":"web"}',
  ]);
});

test('only what is as severe as the level is written', () => {
  const sink = createLogSink({ level: 'warn' });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) sink.logger[level](level);
  expect(sink.lines().map((line) => line['msg'])).toEqual(['warn', 'error']);
  const silent = createLogSink({ level: 'silent' });
  silent.logger.error('x');
  expect(silent.texts).toEqual([]);
});

test('errors are logged with code, stack and the chain of causes', () => {
  const sink = createLogSink();
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const err = new AggregateError([new TypeError('inner')], 'outer', { cause });
  sink.logger.error('failed', { err });
  expect(sink.lines()[0]?.['err']).toMatchObject({
    name: 'AggregateError',
    message: 'outer',
    stack: expect.stringContaining('logger.test') as unknown,
    cause: { message: 'refused', code: 'ECONNREFUSED' },
    errors: [{ name: 'TypeError', message: 'inner' }],
  });
});

test('secrets are hidden, however deep', () => {
  const sink = createLogSink();
  const headers = { authorization: 'Bearer hunter2', accept: '*/*' };
  sink.logger.info('x', {
    headers,
    apiKey: 'hunter2',
    list: [{ dbPassword: 'hunter2' }],
    url: new URL('http://u:hunter2@h/p?t=hunter2'),
  });
  expect(sink.texts[0]).not.toContain('hunter2');
  expect(sink.lines()[0]).toMatchObject({ headers: { authorization: '[secret]', accept: '*/*' }, url: 'http://h/p' });
});

test('a field that cannot be written as JSON never throws', () => {
  const sink = createLogSink();
  const loop: Record<string, unknown> = {
    big: 1n,
    nan: NaN,
    set: new Set([1]),
    map: new Map([['a', 1]]),
    fn: () => {},
  };
  loop['self'] = loop;
  const hostile = {
    toJSON() {
      throw new Error('no');
    },
  };
  sink.logger.info('x', { loop, hostile, bytes: Buffer.from('abc'), when: new Date(0) });
  expect(sink.lines()[0]).toMatchObject({
    loop: { big: '1', nan: 'NaN', set: [1], map: { a: 1 }, fn: '[function]', self: '[circular]' },
    hostile: '[unreadable]',
    bytes: '[3 bytes]',
    when: '1970-01-01T00:00:00.000Z',
  });
});

test('a field named as one of ours is kept under another name', () => {
  const sink = createLogSink();
  sink.logger.info('x', { level: 'high', msg: 'y', message: 'z' });
  expect(sink.lines()[0]).toMatchObject({ level: 'info', msg: 'x', level_: 'high', msg_: 'y', message: 'z' });
});

test('text format is one readable line', () => {
  const sink = createLogSink({ format: 'text', clock: createManualClock() });
  sink.logger.warn('parked', { resource: 'web', reason: 'no requests', count: 2 });
  expect(sink.texts).toEqual(['00:00:00.000 WARN  test: parked resource=web reason="no requests" count=2']);
});

test('text format writes an error as its chain of messages, with the stack below when the line is an error', () => {
  const sink = createLogSink({ format: 'text', clock: createManualClock() });
  const err = new Error('outer', { cause: new Error('inner') });
  sink.logger.warn('retrying', { err });
  sink.logger.error('failed', { err });
  expect(sink.texts[0]).toBe('00:00:00.000 WARN  test: retrying err="outer <- inner"');
  expect(sink.texts[1]).toMatch(/^00:00:00\.000 ERROR test: failed err="outer <- inner"\nError: outer\n {4}at /);
});

test('a text without an end is cut, also that of an error', () => {
  const sink = createLogSink();
  const text = 'x'.repeat(1_000_000);
  sink.logger.warn('logged', { text, err: new Error(text) });
  expect(JSON.stringify(sink.lines()).length).toBeLessThan(60_000);
  expect(sink.lines()).toMatchObject([{ text: expect.stringMatching(/^x+… \[983616 more\]$/) }]);
});

test("fastify's order of arguments becomes ours", () => {
  const sink = createLogSink();
  const log = fastifyLogger(sink.logger).child({ reqId: 'r1' });
  log.info('listening on %s', 'x');
  log.error({ err: new Error('boom'), req: { method: 'GET', url: '/a?token=x' }, res: { statusCode: 500 } }, 'failed');
  log.fatal(new Error('dead'));
  log.trace({ a: 1 }, 'detail');
  log.silent('never');
  expect(sink.lines()).toMatchObject([
    { level: 'info', msg: 'listening on x', reqId: 'r1' },
    { level: 'error', msg: 'failed', err: { message: 'boom' }, method: 'GET', path: '/a', status: 500 },
    { level: 'error', msg: 'dead', err: { message: 'dead' } },
    { level: 'debug', msg: 'detail', a: 1 },
  ]);
});
