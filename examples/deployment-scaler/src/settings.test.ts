import { describe, expect, test } from '@jest/globals';
import { optionTable, parseOptions } from './options.ts';
import { parseSettings } from './settings.ts';

const options = parseOptions({});
const read = (annotations: Record<string, string>) => parseSettings(annotations, options);

describe('annotations', () => {
  test('that are left out mean the options, and the options their defaults', () => {
    const { settings, problems } = read({});
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      routing: 'auto',
      services: undefined,
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
    ['scaler/hold-timeout', '30s', { holdTimeoutMs: 30_000 }],
    ['scaler/connect-timeout', '250ms', { connectTimeoutMs: 250 }],
    ['scaler/response-timeout', '1m', { responseTimeoutMs: 60_000 }],
    ['scaler/response-timeout', '0', { responseTimeoutMs: 0 }],
    ['scaler/idle-timeout', '10m', { idleTimeoutMs: 600_000 }],
    ['scaler/idle-timeout', '0', { idleTimeoutMs: 0 }],
    ['scaler/hold-limit', '5', { holdLimit: 5 }],
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
    ['scaler/quiet', '[{"path":"/healthz","method":"get"}]', { quietRules: [{ path: '/healthz', method: 'GET' }] }],
    [
      'scaler/quiet',
      '[{"headers":{"User-Agent":"bot*"},"port":80}]',
      { quietRules: [{ headers: { 'user-agent': 'bot*' }, port: 80 }] },
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
    ['scaler/hold-timeout', '0', /longer than 0/],
    ['scaler/connect-timeout', '0s', /longer than 0/],
    ['scaler/response-timeout', '-1s', /write it as 90s/],
    ['scaler/idle-timeout', '60', /write it as 90s/],
    ['scaler/hold-limit', '0', /whole number of at least 1/],
    ['scaler/hosts', 'http://a', /is not a host name/],
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
    expect(settings).toEqual(read({}).settings);
  });

  test('that nobody knows are told, and do no harm', () => {
    const { problems } = read({ 'scaler/settel': '1s', 'scaler/state': '{}', 'example.com/other': 'x' });
    expect(problems).toEqual([
      { annotation: 'scaler/settel', fatal: false, message: expect.stringContaining('scaler/settle') },
    ]);
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
