import { expect, test } from '@jest/globals';
import {
  dlxRefusal,
  outcomeCodes,
  parseActivity,
  parseFence,
  parseFenceRequest,
  parsePreflight,
  parsePreflightRequest,
  parseReach,
  parseReachRequest,
  problemType,
} from './dlx-api.ts';

const problem = (code: unknown): string => JSON.stringify({ code });

test('every code of an answer of the DLX is known as a refusal, and nothing else is', () => {
  const type = `${problemType}; charset=utf-8`;
  expect(outcomeCodes.map((code) => dlxRefusal(type, problem(code)))).toEqual([...outcomeCodes]);
  expect(dlxRefusal('application/json', problem('draining'))).toBeUndefined();
  expect(dlxRefusal(undefined, problem('draining'))).toBeUndefined();
  expect(['{', 'null', '"draining"', problem('teapot'), problem(1)].map((body) => dlxRefusal(type, body))).toEqual(
    Array(5).fill(undefined),
  );
});

test('an activity has the time that the replica has counted, and its counts', () => {
  const web = { held: 1, inFlight: 2, openStreams: 0, arrivals: 9, lastArrivalAgeMs: 5, lastEndAgeMs: null };
  const json = { replica: 'dlx-1', startedAt: '2026-01-01T00:00:00Z', now: Date.parse('2026-01-01T00:01:00Z') };
  const answer = parseActivity({ ...json, draining: false, resources: { 'shop/web': web } });
  expect([answer.replica, answer.upMs]).toEqual(['dlx-1', 60_000]);
  expect(answer.resources.get('shop/web')).toEqual({
    ...{ held: 1, inFlight: 2, openStreams: 0, lastArrivalAgeMs: 5, lastEndAgeMs: undefined },
  });
});

test('an answer that is none is refused by the name of its field', () => {
  const fence = { replica: 'dlx-1', clear: true, held: 0, inFlight: 0, epoch: 'e' };
  expect(parseFence(fence)).toEqual({ ...fence, reason: undefined });
  const wrong: readonly (readonly [() => unknown, string])[] = [
    [() => parseFence([]), 'fence a list of 0'],
    [() => parseFence({ ...fence, clear: 'yes' }), 'clear "yes"'],
    [() => parseFence({ ...fence, held: -1 }), 'held -1'],
    [() => parseFence({ ...fence, epoch: undefined }), 'epoch undefined'],
    [() => parsePreflight({ replica: 'dlx-1', ok: true }), 'reasons undefined'],
    [() => parseActivity({ replica: 'dlx-1', startedAt: 'soon', now: 0, resources: {} }), 'startedAt "soon"'],
    [() => parseActivity({ replica: 'd', startedAt: 0, now: 0, resources: { 'a/b': null } }), 'a/b null'],
  ];
  for (const [parse, message] of wrong) {
    expect(parse).toThrow(message);
  }
});

test('a replica is asked for the place of another, and says whether it comes there', () => {
  expect(parseReachRequest({ address: '10.0.0.2', port: 8081, more: 1 })).toEqual({ address: '10.0.0.2', port: 8081 });
  for (const wrong of [
    undefined,
    {},
    { address: 1, port: 1 },
    { address: 'a', port: 0 },
    { address: 'a', port: 65_536 },
  ])
    expect(parseReachRequest(wrong)).toBeUndefined();
  expect(parseReach({ replica: 'dlx-1', reached: false })).toEqual({ replica: 'dlx-1', reached: false });
  expect(() => parseReach({ replica: 'dlx-1' })).toThrow('reached undefined');
});

test('reasons are cut in length and in number', () => {
  const reasons = Array.from({ length: 10 }, () => 'x'.repeat(1_000));
  const answer = parsePreflight({ replica: 'dlx-1', ok: false, reasons });
  expect([answer.reasons.length, answer.reasons[0]?.length, answer.reasons[8]]).toEqual([9, 201, '2 more']);
});

test('a question names its resource, and a fence its epoch', () => {
  const resource = { namespace: 'shop', name: 'web' };
  expect(parseFenceRequest({ resource, epoch: 'e', more: 1 })).toEqual({ resource, epoch: 'e' });
  expect(parsePreflightRequest({ resource })).toEqual({ resource });
  const wrong: unknown[] = [undefined, null, 1, {}, { resource: null }, { resource: { namespace: 'shop' } }];
  expect(wrong.map(parsePreflightRequest)).toEqual(wrong.map(() => undefined));
  expect([...wrong, { resource }, { resource, epoch: 1 }].map(parseFenceRequest)).toEqual(Array(8).fill(undefined));
});
