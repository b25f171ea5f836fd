import { describe, expect, test } from '@jest/globals';
import type { ServiceInfo } from '../routing/service-info.ts';
import { trimDeployment, workloadKinds } from '../testing/kinds.ts';
import { optionTable, parseOptions } from './options.ts';
import type { RoutingMode } from '../machine/facts.ts';
import { trimNamespace } from '../cache/namespaces.ts';
import { portsWithoutEffect, settingsWithoutEffect } from '../events/settings-reporter.ts';
import { parseSettings } from './settings.ts';

const options = parseOptions({});
const read = (annotations: Record<string, string>) => parseSettings(annotations, options);

describe('annotations', () => {
  test('that are left out mean the options, and the options their defaults', () => {
    const { settings, problems } = read({});
    expect(problems).toEqual([]);
    expect(settings.services).toBeUndefined();
    expect(settings).toMatchObject({
      routing: 'auto',
      metrics: [],
      settleMs: 5_000,
      followZero: true,
      mesh: 'refuse',
    });
    const other = parseSettings(
      {},
      parseOptions({ settle: '1s', defaultRouting: 'overlay', defaultMetrics: 'requests_per_1m<=2' }),
    );
    expect(other.settings).toMatchObject({
      settleMs: 1_000,
      routing: 'overlay',
      metrics: [{ metricName: 'requests', windowSize: 60_000, threshold: 2 }],
    });
  });

  test.each([
    ['scaler/routing', 'overlay', { routing: 'overlay' }],
    ['scaler/services', ' web, api,web', { services: ['web', 'api'] }],
    ['scaler/idle-after', '1m30s', { idleAfterMs: 90_000 }],
    ['scaler/cooldown', '0', { cooldownMs: 0 }],
    ['scaler/settle', '300ms', { settleMs: 300 }],
    ['scaler/min-awake', '1h', { minAwakeMs: 3_600_000 }],
    ['scaler/pause', 'awake', { pause: { mode: 'awake' } }],
    ['scaler/pause', ' as-is ', { pause: { mode: 'as-is' } }],
    [
      'scaler/pause',
      'asleep  until 2026-12-01T08:00:00+02:00',
      { pause: { mode: 'asleep', until: '2026-12-01T06:00:00.000Z' } },
    ],
    ['scaler/busy-until', '2026-12-01t08:00:00.5z', { busyUntil: '2026-12-01T08:00:00.500Z' }],
    ['scaler/veto', 'web:8080/busy?who=scaler', { veto: { service: 'web', port: 8080, path: '/busy?who=scaler' } }],
    ['scaler/replicas', '3', { replicas: 3 }],
    ['scaler/dry-run', 'true', { dryRun: true }],
    ['scaler/hold-timeout', '30s', { holdTimeoutMs: 30_000 }],
    ['scaler/connect-timeout', '250ms', { connectTimeoutMs: 250 }],
    ['scaler/response-timeout', '1m', { responseTimeoutMs: 60_000 }],
    ['scaler/response-timeout', '0', { responseTimeoutMs: 86_400_000 }],
    ['scaler/upstream-keep-alive', '2s', { upstreamKeepAliveMs: 2000 }],
    ['scaler/upstream-keep-alive', '0', { upstreamKeepAliveMs: 0 }],
    ['scaler/idle-timeout', '10m', { idleTimeoutMs: 600_000 }],
    ['scaler/idle-timeout', '0', { idleTimeoutMs: 86_400_000 }],
    ['scaler/hold-limit', '5', { holdLimit: 5 }],
    ['scaler/tcp-ports', '5432, redis', { tcpPorts: [{ port: 5432 }, { port: 'redis' }] }],
    [
      'scaler/tcp-ports',
      '3306=server,cache = client',
      {
        tcpPorts: [
          { port: 3306, speaksFirst: 'server' },
          { port: 'cache', speaksFirst: 'client' },
        ],
      },
    ],
    ['scaler/proxy-protocol', 'v2', { proxyProtocol: 'v2' }],
    ['scaler/hosts', 'A.example.com, *.b.example.com.', { hosts: ['a.example.com', '*.b.example.com'] }],
    ['scaler/mesh', 'allow', { mesh: 'allow' }],
    ['scaler/follow-zero', 'false', { followZero: false }],
    ['scaler/metrics', 'none', { metrics: [] }],
    [
      'scaler/metrics',
      'requests_per_5m<=100m',
      { metrics: [{ metricName: 'requests', windowSize: 300_000, threshold: 0.1 }] },
    ],
    [
      'scaler/metrics',
      '[{"metric_name":"a_per_b","window_size":"1h","threshold":2}]',
      { metrics: [{ metricName: 'a_per_b', windowSize: 3_600_000, threshold: 2 }] },
    ],
    [
      'scaler/metrics',
      '[{"metricName":"a","windowSize":"1m","threshold":"1k"}]',
      { metrics: [{ metricName: 'a', windowSize: 60_000, threshold: 1_000 }] },
    ],
    ['scaler/quiet', '[{"path":"/healthz","method":"get"}]', { quiet: [{ path: '/healthz', method: 'GET' }] }],
    [
      'scaler/quiet',
      '[{"headers":{"User-Agent":"bot*"},"port":80}]',
      { quiet: [{ headers: { 'user-agent': 'bot*' }, port: 80 }] },
    ],
    [
      'scaler/metrics',
      '[{"metric_name":"queue","window_size":"5m","source":"prometheus","labels":{"queue":"orders"}}]',
      {
        metrics: [
          { metricName: 'queue', windowSize: 300_000, threshold: 0, source: 'prometheus', labels: { queue: 'orders' } },
        ],
      },
    ],
  ])('%s: %s is understood', (annotation, text, expected) => {
    const { settings, problems } = read({ [annotation]: text });
    expect(problems).toEqual([]);
    expect(settings).toMatchObject(expected);
  });

  test.each([
    ['scaler/routing', 'sometimes', /must be one of auto, overlay, selector, always/],
    ['scaler/services', 'Web', /"Web" is not the name of a Service/],
    ['scaler/services', ',', /names no Service/],
    ['scaler/idle-after', '0', /longer than 0/],
    ['scaler/cooldown', '5 minutes', /write it as 90s/],
    ['scaler/min-awake', 'long', /write it as 90s/],
    ['scaler/pause', 'off', /must be one of awake, asleep, as-is/],
    ['scaler/pause', 'awake until', /must be one of/],
    ['scaler/pause', 'awake until noon', /RFC 3339/],
    ['scaler/pause', 'awake until 2026-12-01', /RFC 3339/],
    ['scaler/busy-until', '2026-02-30T08:00:00Z', /RFC 3339/],
    ['scaler/busy-until', '2026-12-01T25:00:00Z', /RFC 3339/],
    ['scaler/busy-until', '2026-12-01T08:00:00', /RFC 3339/],
    ['scaler/veto', 'http://web:80/x', /service:port\/path, with a Service of the same namespace/],
    ['scaler/veto', '//evil/x', /service:port/],
    ['scaler/veto', 'web.other:80/x', /same namespace/],
    ['scaler/veto', 'web.other.svc.cluster.local:80/x', /same namespace/],
    ['scaler/veto', 'other/web:80/x', /same namespace/],
    ['scaler/veto', '10.0.0.1:80/x', /same namespace/],
    ['scaler/veto', 'web:80', /same namespace/],
    ['scaler/veto', 'web:0/x', /same namespace/],
    ['scaler/veto', 'web:65536/x', /same namespace/],
    ['scaler/veto', 'user@web:80/x', /same namespace/],
    ['scaler/veto', 'web:80/x y', /same namespace/],
    ['scaler/veto', 'web:80/x\r\nhost:evil', /same namespace/],
    ['scaler/replicas', '0', /whole number of at least 1/],
    ['scaler/dry-run', 'yes', /must be true or false/],
    ['scaler/hold-timeout', '0', /longer than 0/],
    ['scaler/connect-timeout', '0s', /longer than 0/],
    ['scaler/response-timeout', '-1s', /write it as 90s/],
    ['scaler/idle-timeout', '60', /write it as 90s/],
    ['scaler/upstream-keep-alive', '-1s', /duration/],
    ['scaler/hold-limit', '0', /whole number of at least 1/],
    ['scaler/hosts', 'http://a', /is not a host name/],
    ['scaler/tcp-ports', ',', /names no port/],
    ['scaler/tcp-ports', '0', /"0" is not a port/],
    ['scaler/tcp-ports', '65536', /"65536" is not a port/],
    ['scaler/tcp-ports', '5432=both', /"5432=both" is not a port: write it as 5432/],
    ['scaler/tcp-ports', 'redis, redis=client', /redis is named twice/],
    ['scaler/tcp-ports', 'much-too-long-name', /is not a port/],
    ['scaler/proxy-protocol', 'v3', /must be one of v1, v2/],
    ['scaler/mesh', 'yes', /must be one of refuse, allow/],
    ['scaler/follow-zero', 'no', /must be true or false/],
    ['scaler/metrics', '', /is empty/],
    ['scaler/metrics', 'requests<=0', /write it as requests_per_5m<=0/],
    ['scaler/metrics', 'requests_per_5m<=many', /is not a quantity/],
    ['scaler/metrics', '[{"window_size":"5m"}]', /metric_name is missing/],
    ['scaler/metrics', '[{"metric_name":"a","window_size":5}]', /window_size is 5, allowed is a duration/],
    [
      'scaler/metrics',
      '[{"metric_name":"a","window_size":"5m","source":"x"}]',
      /source is "x", allowed is custom-metrics/,
    ],
    ['scaler/metrics', '[{"metric_name":"a","window_size":"5m","query":"up"}]', /no such field/],
    ['scaler/quiet', '{}', /must be a JSON list/],
    ['scaler/quiet', '[{}]', /would match every request/],
    ['scaler/quiet', '[{"verb":"GET"}]', /has no "verb"/],
    ['scaler/quiet', '[{"path":"x"}]', /must begin with \//],
    ['scaler/quiet', '[{"port":0}]', /1 to 65535/],
  ])('%s: %s is refused, named, and replaced by the default', (annotation, text, why) => {
    const { settings, problems } = read({ [annotation]: text });
    expect(problems).toEqual([{ annotation, fatal: true, message: expect.stringMatching(why) }]);
    expect(problems[0]?.message).toContain(`${annotation} is "${text}"`);
    expect(settings).toEqual({ ...read({}).settings, measured: annotation === 'scaler/metrics' });
  });

  test('that are unknown are reported, and do no harm', () => {
    const { problems } = read({ 'scaler/settel': '1s', 'scaler/state': '{}', 'example.com/other': 'x' });
    expect(problems).toEqual([
      { annotation: 'scaler/settel', fatal: false, message: expect.stringContaining('scaler/settle') },
    ]);
  });
});

test("a workload's own annotation wins over its namespace's, which wins over the option; a wrong one does not", () => {
  const namespace = trimNamespace(
    {
      metadata: {
        name: 'shop',
        annotations: {
          'scaler/cooldown': '2m',
          'scaler/settle': '9s',
          'scaler/idle-after': 'often',
          'scaler/hosts': 'a.example.com',
          'scaler/services': 'web',
          'example.com/other': 'x',
        },
      },
    },
    options,
  );
  expect(namespace.problems.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^scaler\/idle-after is "often": /),
    'scaler/services is for one workload: it is no default of a namespace',
    'scaler/hosts is for one workload: it is no default of a namespace',
  ]);
  const own = { 'scaler/cooldown': '1m', 'scaler/settle': 'x' };
  const { settings, problems } = parseSettings(own, options, namespace.defaults);
  expect(settings).toEqual({ ...read({}).settings, cooldownMs: 60_000, settleMs: 9_000 });
  expect(problems).toHaveLength(1);
});

describe('settings without effect are reported, with the reason', () => {
  const told = (annotations: Record<string, string>, mode: RoutingMode = 'selector') => {
    const workload = trimDeployment({ metadata: { namespace: 'shop', name: 'web', annotations } });
    return settingsWithoutEffect({ kind: workloadKinds.deployment, workload, ...read(annotations) }, mode);
  };

  test.each<[Record<string, string>, RoutingMode, readonly string[]]>([
    [{ 'scaler/idle-after': '1m' }, 'overlay', ['scaler/idle-after has no effect: its routing is overlay, where']],
    [{ 'scaler/idle-after': '1m' }, 'always', []],
    [
      { 'scaler/cooldown': '2m', 'scaler/min-awake': '1m' },
      'selector',
      ['scaler/min-awake has no effect: its cooldown is no shorter'],
    ],
    [{ 'scaler/cooldown': '1m', 'scaler/min-awake': '2m' }, 'selector', []],
    [
      { 'scaler/pause': 'as-is', 'scaler/veto': 'a:1/', 'scaler/cooldown': '1m', 'scaler/replicas': '2' },
      'selector',
      ['scaler/cooldown has', 'scaler/veto has', 'scaler/replicas has no effect: it is paused as-is without an end'],
    ],
    [{ 'scaler/pause': 'awake', 'scaler/replicas': '2' }, 'selector', []],
    [
      { 'scaler/pause': 'asleep', 'scaler/metrics': 'a_per_1m<=0', 'scaler/cooldown': '1m' },
      'selector',
      ['scaler/met'],
    ],
    [{ 'scaler/pause': 'as-is until 2026-12-01T08:00:00Z', 'scaler/veto': 'a:1/' }, 'selector', []],
    [
      { 'scaler/pause': 'asleep', 'scaler/hold-timeout': '1m', 'scaler/quiet': '[{"path":"/x"}]' },
      'selector',
      ['scaler/hold-timeout has no effect: it is paused asleep without an end'],
    ],
    [{ 'scaler/dry-run': 'true', 'scaler/veto': 'a:1/' }, 'selector', ['scaler/veto has no effect: it is a dry run']],
    [{ 'scaler/dry-run': 'false', 'scaler/veto': 'a:1/' }, 'selector', []],
    [{}, 'selector', []],
  ])('%j in %s', (annotations, mode, expected) => {
    expect(told(annotations, mode)).toEqual(expected.map((text) => expect.stringContaining(text)));
  });

  test.each<[Record<string, string>, readonly string[], readonly string[]]>([
    [
      { 'scaler/quiet': '[{"port":80},{"port":81},{"path":"/x"}]' },
      ['web'],
      ['scaler/quiet: none of its Services has a port 81'],
    ],
    [
      { 'scaler/hosts': 'a.example.com', 'scaler/response-timeout': '1m' },
      ['redis'],
      ['scaler/hosts has no effect: every port of its Services is raw TCP', 'scaler/response-timeout has no effect'],
    ],
    [{ 'scaler/hosts': 'a.example.com' }, ['redis', 'web'], []],
    [
      { 'scaler/proxy-protocol': 'v2' },
      ['http'],
      ['scaler/proxy-protocol has no effect: every port of its Services speaks'],
    ],
    [{ 'scaler/proxy-protocol': 'v2' }, ['http', 'web'], []],
    [{ 'scaler/proxy-protocol': 'v2', 'scaler/quiet': '[{"port":81}]' }, [], []],
  ])('%j with the ports %j', (annotations, names, expected) => {
    const workload = trimDeployment({ metadata: { namespace: 'shop', name: 'web', annotations } });
    const ports = names.map((name) => ({ name, port: 80, targetPort: 80, protocol: 'TCP' }));
    const told = portsWithoutEffect({ workload, ...read(annotations) }, [{ ports } as unknown as ServiceInfo]);
    expect(told).toEqual(expected.map((text) => expect.stringContaining(text)));
  });

  test('but not defaults of the namespace', () => {
    const workload = trimDeployment({ metadata: { namespace: 'shop', name: 'web' } });
    const inherited = parseSettings({}, options, { idleAfterMs: 1_000 });
    expect(settingsWithoutEffect({ kind: workloadKinds.deployment, workload, ...inherited }, 'selector')).toEqual([]);
  });
});

describe('options', () => {
  test.each([
    ['settle', 'soon', /option settle is "soon"/],
    ['portRange', '20000-40000', /within 1024-32767/],
    ['portRange', '30000-20000', /must be written as/],
    ['defaultRouting', 'x', /must be one of auto/],
    ['apiQps', '0', /must be a whole number of at least 1/],
    ['speed', '1', new RegExp(`no option "speed"; it has ${Object.keys(optionTable).join(', ')}`)],
  ])('%s=%s stops the start with a sentence', (name, value, why) => {
    expect(() => parseOptions({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'invalid-option', message: expect.stringMatching(why) }),
    );
  });
});
