import { expect, test } from '@jest/globals';
import { loadConfig } from '@scaler/runtime';
import { settingsWithoutEffect } from './no-effect.ts';
import { settings } from './settings.ts';

test.each<[string, readonly string[]]>([
  ['', []],
  ['--metrics-source none --no-lease --dry-run', []],
  [
    '--prometheus-url http://prometheus:9090 --metric-name-pattern <name>',
    ['--prometheus-url has no effect: prometheus is not among --metrics-source'],
  ],
  [
    '--metrics-source external-metrics --metric-name-pattern <name> --metrics-timeout 3s',
    ['--metric-name-pattern has no effect: custom-metrics is not among --metrics-source'],
  ],
  ['--metrics-source none --metrics-timeout 3s', ['--metrics-timeout has no effect: --metrics-source names none']],
  ['--no-lease --lease-name x', ['--lease-name has no effect: there is no Lease, by --no-lease']],
  ['--dry-run --max-parks 3', ['--max-parks has no effect: nothing is parked, by --dry-run']],
  [
    '--dlx-peers 10.0.0.1:8081 --dlx-infra-port 9',
    ['--dlx-infra-port has no effect: each of --dlx-peers has its port'],
  ],
  ['--dlx-peers 10.0.0.1:8081 --dlx-service a/dlx --dlx-infra-port 9', []],
])('"%s"', (line, expected) => {
  const config = loadConfig(settings, { argv: line.split(' ').filter(Boolean), env: {} });
  expect(settingsWithoutEffect(config)).toEqual(expected.map((text) => expect.stringContaining(text)));
});

test('a variable is named as its flag is', () => {
  const config = loadConfig(settings, { argv: ['--no-lease'], env: { SCALER_LEASE_NAME: 'x' } });
  expect(settingsWithoutEffect(config)).toHaveLength(1);
});
