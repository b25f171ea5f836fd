import { describe, expect, test } from '@jest/globals';
import { parseOptions } from './options.ts';
import { cutList } from './values.ts';
import { parseSettings } from './settings.ts';

const options = parseOptions({});
const read = (annotations: Record<string, string>, given = options) => parseSettings(annotations, given);
const many = (count: number, item: (i: number) => string, between = ','): string =>
  Array.from({ length: count }, (_, i) => item(i)).join(between);

describe('what is longer than is read', () => {
  test.each([
    ['a threshold of 240,000 digits', 'scaler/metrics', `requests_per_5m<=${'9'.repeat(240_000)}`],
    [
      'the same as a text of JSON',
      'scaler/metrics',
      `[{"metric_name":"a","window_size":"5m","threshold":"${'9'.repeat(9_000)}"}]`,
    ],
    ['a threshold that is not finite', 'scaler/metrics', 'requests_per_5m<=1e999'],
    ['the same in JSON', 'scaler/metrics', '[{"metric_name":"a","window_size":"5m","threshold":1e999}]'],
    ['a duration of 240,000 digits', 'scaler/settle', `${'9'.repeat(240_000)}h`],
    ['a host of 240,000 letters', 'scaler/hosts', 'a'.repeat(240_000)],
    ['240,000 spaces in a pause', 'scaler/pause', `asleep${' '.repeat(240_000)}x`],
    ['a path of 240,000 characters', 'scaler/veto', `web:80/${'a'.repeat(240_000)}`],
    ['lists in lists', 'scaler/quiet', '['.repeat(120_000) + ']'.repeat(120_000)],
    ['33 metrics', 'scaler/metrics', many(33, (i) => `m${i}_per_5m<=0`)],
    ['1,001 ports', 'scaler/tcp-ports', many(1_001, (i) => `${i + 1}`)],
    ['50,000 ports', 'scaler/tcp-ports', many(50_000, (i) => `${i + 1}`)],
    ['65 rules', 'scaler/quiet', `[${many(65, (i) => `{"path":"/${i}"}`)}]`],
    ['101 hosts', 'scaler/hosts', many(101, (i) => `h${i}.example.com`)],
    ['101 Services', 'scaler/services', many(101, (i) => `s${i}`)],
    ['a name of 257 characters', 'scaler/metrics', `${'a'.repeat(257)}_per_5m<=0`],
  ])('%s keeps it awake, and its owner gets a short message', (_, annotation, text) => {
    const { problems } = read({ [annotation]: text });
    expect(problems.length).toBeGreaterThan(0);
    for (const { message, fatal } of problems) {
      expect(fatal).toBe(true);
      expect(message).toMatch(new RegExp(`^${annotation} is "`));
      expect(message.length).toBeLessThan(600);
    }
  });

  test('as many as are allowed are no problem', () => {
    const annotations = {
      'scaler/metrics': many(32, (i) => `m${i}_per_5m<=0`),
      'scaler/tcp-ports': many(1_000, (i) => `${i + 1}=server`),
      'scaler/quiet': `[${many(64, (i) => `{"path":"/${i}"}`)}]`,
      'scaler/hosts': many(100, (i) => `h${i}.example.com`),
      'scaler/services': many(100, (i) => `s${i}`),
    };
    expect(read(annotations).problems).toEqual([]);
  });

  test('what fits is used: a sleeper is woken and served as before', () => {
    const { settings } = read({
      'scaler/metrics': many(4_000, (i) => `m${i}_per_5m<=0`),
      'scaler/tcp-ports': many(50_000, (i) => `${i + 1}=server`),
      'scaler/quiet': `[${many(9_000, (i) => `{"path":"/}]${i}"}`, ' , ')}]`,
      'scaler/hosts': many(9_000, (i) => `h${i}.example.com`),
    });
    expect(settings.metrics).toHaveLength(32);
    expect(settings.tcpPorts).toHaveLength(1_000);
    expect(settings.tcpPorts.at(-1)).toEqual({ port: 1_000, speaksFirst: 'server' });
    expect(settings.quiet).toHaveLength(64);
    expect(settings.hosts).toHaveLength(100);
  });

  test('a list that is cut ends with the last item that is whole', () => {
    expect(cutList('aa, bb, cc', 9)).toBe('aa, bb');
    expect(cutList('aaaa', 3)).toBe('');
    expect(cutList('[{"a":"}],"}, {"b":[1,2]}, {"c":1}]', 30)).toBe('[{"a":"}],"}, {"b":[1,2]}]');
    expect(cutList('["\\"]', 5)).toBe('[]');
  });
});

describe('times', () => {
  test('longer than an admin allows are cut to that and reported, and keep nothing awake', () => {
    const { settings, problems } = read({
      'scaler/settle': '1000h',
      'scaler/hold-timeout': '99999999999h',
      'scaler/connect-timeout': '1h',
      'scaler/response-timeout': '25h',
      'scaler/idle-timeout': '24h1ms',
      'scaler/upstream-keep-alive': '6m',
      'scaler/idle-after': '8761h',
      'scaler/cooldown': '1000000h',
      'scaler/min-awake': '8760h1s',
    });
    expect(settings).toMatchObject({
      settleMs: 60_000,
      holdTimeoutMs: 900_000,
      connectTimeoutMs: 60_000,
      responseTimeoutMs: 86_400_000,
      idleTimeoutMs: 86_400_000,
      upstreamKeepAliveMs: 300_000,
      idleAfterMs: 8760 * 3_600_000,
      cooldownMs: 8760 * 3_600_000,
      minAwakeMs: 8760 * 3_600_000,
    });
    expect(problems).toHaveLength(9);
    expect(problems.every(({ fatal }) => !fatal)).toBe(true);
    expect(problems.map(({ message }) => message)).toContain(
      'scaler/settle is longer than 1m, which the option maxSettle allows at most: it is cut to that',
    );
  });

  test('0 means the longest there may be where it meant for ever, and the admin says how long that is', () => {
    const given = parseOptions({
      maxIdleTimeout: '1h',
      maxResponseTimeout: '2m',
      maxSettle: '3s',
      maxHoldTimeout: '1h',
    });
    const { settings, problems } = read(
      {
        'scaler/idle-timeout': '0',
        'scaler/response-timeout': '0s',
        'scaler/settle': '3s',
        'scaler/hold-timeout': '59m',
      },
      given,
    );
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({ idleTimeoutMs: 3_600_000, responseTimeoutMs: 120_000, settleMs: 3_000 });
  });
});

test('of thousands of unknown annotations a few are named, and the others counted', () => {
  const annotations = Object.fromEntries(Array.from({ length: 8_000 }, (_, i) => [`scaler/x${i}`, 'y']));
  const { problems } = read(annotations);
  expect(problems).toHaveLength(4);
  expect(problems.at(-1)?.message).toBe('7997 more annotations of scaler/ are not known');
});
