import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pauseModes } from '../pause.ts';
import type { Resource } from '../resource.ts';
import { scaleEvents } from '../scale-event.ts';
import { formatResource, parseResource } from './resource-json.ts';

const web = {
  namespace: 'default',
  name: 'web',
  scaleResources: [{ metricName: 'requests', windowSize: '5m', threshold: 0.5 }],
};

describe('round trip', () => {
  const word = fc.string({ minLength: 1 });
  const port = fc.integer({ min: 1, max: 65_535 });
  const ms = fc.nat();
  const time = fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') })
    .map((date) => date.toISOString());
  const route = fc.record(
    { host: word, path: word, pathType: fc.constantFrom('Prefix', 'Exact'), ambiguous: fc.boolean() },
    { requiredKeys: ['host'] },
  );
  const target = fc.record(
    {
      service: word,
      port,
      portName: word,
      listenPort: port,
      routes: fc.array(route),
      protocol: fc.constantFrom('http', 'tcp'),
      speaksFirst: fc.constantFrom('client', 'server'),
      proxyProtocol: fc.constantFrom('v1', 'v2'),
      clientAffinity: fc.boolean(),
    },
    { requiredKeys: ['service', 'port'] },
  );
  const metric = fc.record(
    {
      metricName: word,
      windowSize: fc.integer({ min: 1, max: 10 ** 10 }),
      threshold: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
      source: fc.constant('custom-metrics'),
      labels: fc.dictionary(fc.constantFrom('queue', '_a', 'app.kubernetes.io/name'), word),
      object: fc.record({ resource: fc.constantFrom('pods', 'services'), name: fc.constant('web') }),
    },
    { requiredKeys: ['metricName', 'windowSize', 'threshold'] },
  );
  const resource = fc.record(
    {
      namespace: word,
      name: word,
      kind: fc.constantFrom('statefulsets.apps', 'rollouts.argoproj.io'),
      scaleResources: fc.array(metric),
      targets: fc.array(target),
      phase: fc.constantFrom('awake', 'parking', 'asleep', 'waking'),
      replicas: ms,
      lastScaleEvent: fc.constantFrom(...scaleEvents),
      lastScaleEventTime: time,
      awakeSince: time,
      dlxSeesAll: fc.boolean(),
      idleAfterMs: ms,
      cooldownMs: ms,
      minAwakeMs: ms,
      pause: fc.record({ mode: fc.constantFrom(...pauseModes), until: time }, { requiredKeys: ['mode'] }),
      busyUntil: time,
      dryRun: fc.boolean(),
      holdTimeoutMs: ms,
      connectTimeoutMs: fc.integer({ min: 1 }),
      responseTimeoutMs: ms,
      idleTimeoutMs: ms,
      upstreamKeepAliveMs: ms,
      holdLimit: ms,
      quietRules: fc.array(
        fc.record({ method: word, path: word, headers: fc.dictionary(word, word), port }, { requiredKeys: [] }),
      ),
      blocked: fc.string(),
    },
    { requiredKeys: ['namespace', 'name', 'scaleResources', 'targets'] },
  );

  test('a written resource, also as text, is read back to an equal one', () => {
    fc.assert(
      fc.property(resource, (one) => {
        const text = JSON.stringify(formatResource(one as Resource));
        expect(parseResource(JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(one)));
      }),
    );
  });
});

describe('a resource is accepted', () => {
  test('windows as text or milliseconds, thresholds as number or quantity', () => {
    const scaleResources = [
      { metricName: 'a', windowSize: '1h30m', threshold: '100m' },
      { metricName: 'b', windowSize: 90_000, threshold: 2 },
    ];
    expect(parseResource({ ...web, scaleResources }).scaleResources).toEqual([
      { metricName: 'a', windowSize: 5_400_000, threshold: 0.1 },
      { metricName: 'b', windowSize: 90_000, threshold: 2 },
    ]);
  });

  test('with the source, the labels and the object of a metric, in both notations', () => {
    const where = {
      source: 'custom-metrics',
      labels: { queue: 'a' },
      object: { resource: 'pods', selector: 'app=web' },
    };
    const scaleResources = [
      { metric_name: 'a', window_size: '1m', ...where },
      { metricName: 'b', windowSize: '1m', threshold: 0, ...where },
    ];
    expect(parseResource({ ...web, kind: 'statefulsets.apps', scaleResources })).toMatchObject({
      kind: 'statefulsets.apps',
      scaleResources: [
        { metricName: 'a', ...where },
        { metricName: 'b', ...where },
      ],
    });
  });

  test("v3io's names, with what it leaves out and its own spelling of the window", () => {
    const v3io = {
      name: 'web',
      namespace: 'default',
      scale_resources: [
        { metric_name: 'requests', windows_size: '5m0s' },
        { metric_name: 'gpu', window_size: '10m', threshold: 3 },
      ],
      last_scale_event: 'scaleFromZeroCompleted',
      last_scale_event_time: '2026-01-31T23:59:59.123456789Z',
    };
    expect(parseResource(v3io)).toEqual({
      name: 'web',
      namespace: 'default',
      scaleResources: [
        { metricName: 'requests', windowSize: 300_000, threshold: 0 },
        { metricName: 'gpu', windowSize: 600_000, threshold: 3 },
      ],
      targets: [],
      lastScaleEvent: 'scaleFromZeroCompleted',
      lastScaleEventTime: '2026-01-31T23:59:59.123456789Z',
    });
    expect(parseResource({ name: 'web', namespace: 'default', last_scale_event: null })).toMatchObject({
      scaleResources: [],
    });
  });
});

describe('a resource is refused, with path, value and what is allowed', () => {
  const metric = web.scaleResources[0];
  test.each<[unknown, string]>([
    [5, 'resource is 5, allowed is an object'],
    [{ ...web, name: '' }, 'resource.name is "", allowed is a text that is not empty'],
    [{ name: 'web' }, 'resource.namespace is missing, allowed is a text that is not empty'],
    [{ ...web, phase: 'sleeping' }, 'resource.phase is "sleeping", allowed is awake, parking, asleep, waking'],
    [{ ...web, connectTimeoutMs: 0 }, 'resource.connectTimeoutMs is 0, allowed is a whole number, at least 1'],
    [{ ...web, responseTimeoutMs: '5s' }, 'resource.responseTimeoutMs is "5s", allowed is a whole number, at least 0'],
    [{ ...web, idleTimeoutMs: -1 }, 'resource.idleTimeoutMs is -1, allowed is a whole number, at least 0'],
    [{ ...web, replicas: -1 }, 'resource.replicas is -1, allowed is a whole number, at least 0'],
    [{ ...web, scaleResources: {} }, 'resource.scaleResources is {}, allowed is a list'],
    [
      { ...web, scale_resources: [] },
      'resource.scale_resources is [], allowed is only one of scaleResources and scale_resources',
    ],
    [{ ...web, colour: 'red' }, 'resource.colour is "red", allowed is no such field: there are namespace, name,'],
    [
      { ...web, scaleResources: [metric, { ...metric, windowSize: '5 minutes' }] },
      'resource.scaleResources[1].windowSize is "5 minutes", allowed is a duration of whole',
    ],
    [{ ...web, scaleResources: [{ ...metric, windowSize: 0 }] }, 'resource.scaleResources[0].windowSize is 0'],
    [{ ...web, scaleResources: [{ ...metric, windowSize: 1.5 }] }, 'windowSize is 1.5'],
    [
      { ...web, scaleResources: [{ ...metric, threshold: 'few' }] },
      'threshold is "few", allowed is a number in the metric\'s own unit',
    ],
    [{ ...web, scaleResources: [{ ...metric, threshold: '1e999' }] }, 'threshold is "1e999"'],
    [{ ...web, scaleResources: [{ metricName: 'a', windowSize: '5m' }] }, 'threshold is missing'],
    [
      { ...web, scaleResources: [{ metric_name: 'a', window_size: 300_000_000_000 }] },
      'window_size is 300000000000, allowed is a duration text such as',
    ],
    [{ ...web, kind: '../secrets' }, 'resource.kind is "../secrets", allowed is a plural and its group'],
    [{ ...web, scaleResources: [{ ...metric, source: 'guess' }] }, 'custom-metrics, external-metrics, prometheus'],
    [{ ...web, scaleResources: [{ ...metric, labels: { 'a"': 'b' } }] }, 'labels, of which "a"" is none'],
    [
      { ...web, scaleResources: [{ ...metric, object: { resource: 'pods', name: '*' } }] },
      'object.name is "*", allowed is an object\'s name',
    ],
    [
      { ...web, scaleResources: [{ ...metric, object: { resource: 'pods', name: 'a', selector: 'a=b' } }] },
      'allowed is only one of name and selector',
    ],
    [
      { ...web, scaleResources: [{ ...metric, source: 'prometheus', object: { resource: 'pods' } }] },
      'only metrics of custom-metrics are of an object',
    ],
    [
      { ...web, targets: [{ service: 'web', port: 70_000 }] },
      'resource.targets[0].port is 70000, allowed is a whole number from 1 to 65535',
    ],
    [{ ...web, quietRules: [{ headers: { a: 1 } }] }, 'resource.quietRules[0].headers.a is 1, allowed is a text'],
    [{ ...web, pause: { mode: 'off' } }, 'resource.pause.mode is "off", allowed is awake, asleep, as-is'],
    [{ ...web, pause: { mode: 'awake', until: 'noon' } }, 'resource.pause.until is "noon", allowed is an ISO 8601'],
    [{ ...web, busyUntil: 5 }, 'resource.busyUntil is 5, allowed is an ISO 8601 time'],
    [{ ...web, dryRun: 'yes' }, 'resource.dryRun is "yes", allowed is true or false'],
    [{ ...web, lastScaleEventTime: 'yesterday' }, 'lastScaleEventTime is "yesterday", allowed is an ISO 8601 time'],
  ])('%j', (json, message) => {
    expect(() => parseResource(json)).toThrow(
      expect.objectContaining({ code: 'invalid-resource', message: expect.stringContaining(message) }),
    );
  });

  test('anything at all: an error of this kind, or a resource', () => {
    fc.assert(
      fc.property(fc.anything(), (json) => {
        try {
          expect(typeof parseResource(json).name).toBe('string');
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-resource' });
        }
      }),
    );
  });
});
