import { afterAll, describe, expect, test } from '@jest/globals';
import type { QuietRule, Resource, Route } from '@scaler/scaler-types';
import { costProblems, createFakeClock, startStepCounter } from '@scaler/testing-kit';
import type { HttpRequest } from './exchange/carrier.ts';
import type { Gate as GateOf } from './gate/gate.ts';

// What is imported from here on is counted block by block.
const counter = startStepCounter();
afterAll(() => counter.stop());
const { addForwarded, fieldOf, fieldsOf, parseHost, readHead } = await import('./head/head.ts');
const { checkRequest } = await import('./http1/raw-message.ts');
const { readResponseHead, readTrailers } = await import('./head/response-head.ts');
const { readStreamHead } = await import('./http2/stream-head.ts');
const { grpcMessage, readGrpcTimeout } = await import('./http2/grpc.ts');
const { offerOf } = await import('./upgrade/offer.ts');
const { quietOf } = await import('./gate/quiet.ts');
const { Directory } = await import('./identify/directory.ts');
const { Gate } = await import('./gate/gate.ts');
const { Accounting } = await import('./ledger/accounting.ts');

const noWay = (): never => undefined as never;

/** Of a head's characters, which are at most 64 KiB; four times as many are tried. It is read here as five kinds of head. */
const largest = { size: 256 * 1_024, steps: 24 * 256 * 1_024 };
const sizes = [1_024, 16_384];
const namesOfFields = [
  ...['host', 'connection', 'te', 'upgrade', 'content-length', 'transfer-encoding', 'expect', 'forwarded'],
  ...['x-forwarded-for', 'x-forwarded-proto', 'x-scaler-hop', 'x-scaler-target', 'x-other', 'cookie', 'user-agent'],
];

/** What one field is made of, over and over. */
const values = ['a,', ' ', '"\\', 'trailers, ', ':1', 'a.'];

/** Everything that is done with a request's fields before it is known whom it is for, and after. */
function workOnFields(raw: string[], url: string): unknown {
  const head = readHead(raw, 'x-scaler-target');
  const request = { head: { ...head, fields: [...head.fields] }, path: '', version: '1.1' };
  const x = {
    http: request,
    channel: { remoteAddress: '10.0.0.1' },
    core: { settings: { trustForwarded: true, via: 'dlx' } },
  };
  checkRequest(request, { count: () => undefined } as never, { head, httpVersion: '1.1', url } as never);
  addForwarded(x, 'n/web');
  readStreamHead(raw, 'x-scaler-target');
  readResponseHead(raw);
  readTrailers(raw);
  offerOf({
    httpVersion: '1.1',
    rawHeaders: raw,
    head: { ...head, transferEncoding: undefined, contentLength: undefined },
  } as never);
  return [fieldOf(raw, 'grpc-timeout'), fieldsOf(raw, new Set(namesOfFields))];
}

describe('a head takes no more than its length', () => {
  test.each(namesOfFields)('one %s of any text', (name) => {
    const of = (size: number): (() => unknown) => {
      const heads = values.map((unit) => ['host', 'web', name, unit.repeat(size / unit.length)]);
      return () => heads.forEach((raw) => workOnFields(raw, '/'));
    };
    const all = { ...largest, steps: values.length * largest.steps };
    expect(costProblems(counter, { of, sizes, largest: all })).toEqual([]);
  });

  test.each(namesOfFields)('as many %s as there is room for', (name) => {
    const of = (size: number): (() => unknown) => {
      const raw = Array.from({ length: Math.floor(size / 16) }, (_, i) => [name, `v${i}`]).flat();
      return () => workOnFields(raw, '/');
    };
    expect(costProblems(counter, { of, sizes, largest })).toEqual([]);
  });

  test('names that Connection names, and as many fields', () => {
    const of = (size: number): (() => unknown) => {
      const names = Array.from({ length: Math.floor(size / 16) }, (_, i) => `x-${i}`);
      const raw = ['connection', names.join(), ...names.flatMap((name) => [name, 'v'])];
      return () => workOnFields(raw, '/');
    };
    expect(costProblems(counter, { of, sizes, largest })).toEqual([]);
  });

  test.each([
    ['a host', (text: string) => parseHost(text)],
    ['a path', (text: string) => workOnFields(['host', 'web'], `/${text}`)],
    ['a whole URL', (text: string) => workOnFields(['host', 'web'], `http://${text}#`)],
    ['a timeout of gRPC', (text: string) => readGrpcTimeout(text)],
    ['a reason in gRPC', (text: string) => grpcMessage(text.slice(0, 8_192))],
  ])('%s', (_, read) => {
    const problems = ['a', '1', '/', '.', ':', '?', '%', '[', 'ä'].flatMap((unit) => {
      const of = (size: number): (() => unknown) => {
        const text = unit.repeat(size);
        return () => read(text);
      };
      return costProblems(counter, { of, sizes, largest }).map((problem) => `${unit}: ${problem}`);
    });
    expect(problems).toEqual([]);
  });
});

test('quiet rules and fields take no more than there are of both', () => {
  const of = (size: number): (() => unknown) => {
    const numbers = Array.from({ length: size }, (_, i) => i);
    const rules: QuietRule[] = numbers.map((i) => ({ path: '/*', headers: { [`x-${i}`]: 'never', [`y-${i}`]: 'v*' } }));
    const raw = numbers.flatMap((i) => [`X-${i}`, `v${i}`]);
    const fields = (names: ReadonlySet<string>): ReadonlyMap<string, string> => fieldsOf(raw, names);
    const request = { head: { userAgent: undefined }, method: 'GET', url: '/a?b', fields } as unknown as HttpRequest;
    return () => quietOf(request, rules, 80);
  };
  const problems = costProblems(counter, {
    of,
    sizes: [500, 1_000, 2_000],
    largest: { size: 10_000, steps: 1_000_000 },
  });
  expect(problems).toEqual([]);
});

test('a resource of many targets and routes takes no more at each change than there are of them', () => {
  const core = { clock: createFakeClock(), scaler: {}, accounting: new Accounting() } as never;
  const of = (size: number): (() => unknown) => {
    const routes: Route[] = Array.from({ length: size }, (_, i) => ({ host: 'a.io', path: `/p${i}` }));
    const targets = routes.map((route, i) => ({
      service: 'web',
      port: i + 1,
      listenPort: 20_000 + i,
      routes: [route],
    }));
    const resource: Resource = { namespace: 'n', name: 'web', scaleResources: [], targets };
    const gates = new Map<string, GateOf>();
    const directory = new Directory('cluster.local', gates, createFakeClock());
    const gate = new Gate(core, resource, noWay);
    gates.set(gate.key, gate);
    directory.set(gate, []);
    return () => {
      for (const phase of ['asleep', 'waking', 'awake'] as const) {
        const before = gate.lanes;
        gate.update({ ...resource, phase, targets: targets.map((target) => ({ ...target })) });
        directory.set(gate, before);
      }
      directory.tried({ host: 'a.io', path: '/none/of/them', target: 'n/web' });
    };
  };
  const problems = costProblems(counter, {
    of,
    sizes: [500, 1_000, 2_000],
    largest: { size: 10_000, steps: 8_000_000 },
  });
  expect(problems).toEqual([]);
});

test('of many resources that claim one host, each takes no more than its own', () => {
  const core = { clock: createFakeClock(), scaler: {}, accounting: new Accounting() } as never;
  const of = (size: number): (() => unknown) => {
    const gates = Array.from({ length: size }, (_, i) => {
      const routes = [{ host: 'a.io', path: `/p${i % 7}` }];
      const targets = [{ service: `web${i}`, port: 80, listenPort: 20_000, routes }];
      return new Gate(core, { namespace: 'n', name: `web${i}`, scaleResources: [], targets }, noWay);
    });
    return () => {
      const directory = new Directory('cluster.local', new Map(), createFakeClock());
      for (const gate of gates) directory.set(gate, []);
      for (const gate of gates) directory.remove(gate);
    };
  };
  const problems = costProblems(counter, { of, sizes: [250, 500, 1_000], largest: { size: 4_000, steps: 3_000_000 } });
  expect(problems).toEqual([]);
});
