import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { ServicePort } from '../routing/service-info.ts';
import { portsWithoutEffect } from '../events/settings-reporter.ts';
import { protocolNames, protocolNumbers, protocolOf, speaksHttp1, type TcpPort } from './protocol.ts';

const http = { protocol: 'http' };
const raw = { protocol: 'tcp' };
const client = { protocol: 'tcp', speaksFirst: 'client' };
const server = { protocol: 'tcp', speaksFirst: 'server' };

const port = (name?: string, appProtocol?: string): ServicePort => ({
  ...{ name, appProtocol, port: 5000, targetPort: 5000, protocol: 'TCP' },
});

test.each([
  ['nothing at all', undefined, undefined, {}],
  ['its name', 'http', undefined, http],
  ['its name', 'redis', undefined, client],
  ['its name', 'mysql', undefined, server],
  ['its name', 'tcp', undefined, raw],
  ['a general name before its own', 'tcp-game', undefined, raw],
  ['a general name before its own', 'http-admin', undefined, http],
  ['a name that only begins like a protocol: exporters of metrics do', 'redis-metrics', undefined, {}],
  ['a name of TLS, which a load balancer may have taken off', 'https', undefined, {}],
  ['a name of gRPC, with or without TLS', 'grpc', undefined, {}],
  ['any other name', 'web', undefined, {}],
  ['appProtocol', undefined, 'kubernetes.io/h2c', http],
  ['appProtocol', undefined, 'kubernetes.io/ws', http],
  ['appProtocol', undefined, 'postgresql', client],
  ['appProtocol, in capitals', undefined, 'SMTP', server],
  ['appProtocol before its name', 'tcp-web', 'http', http],
  ['an unknown appProtocol before its name', 'mysql', 'example.com/sql-over-http', {}],
  ['an appProtocol of TLS', 'redis', 'https', {}],
])('a port is known by %s: %s, %s', (_, name, appProtocol, expected) => {
  expect(protocolOf(port(name, appProtocol), [])).toEqual(expected);
});

test.each([
  ['kubernetes.io/h2c', undefined, false],
  ['h2c', undefined, false],
  ['grpc', undefined, false],
  [undefined, 'grpc', false],
  [undefined, 'grpc-web', true],
  [undefined, 'http2-api', false],
  [undefined, 'http', true],
  [undefined, undefined, true],
  ['http', 'grpc', true],
])('a port with the appProtocol %s and the name %s may be asked by HTTP/1.1: %s', (appProtocol, name, expected) => {
  expect(speaksHttp1(port(name, appProtocol))).toBe(expected);
});

test('a port that nothing else tells of is what its number stands for', () => {
  const numbered = (number: number, name?: string, appProtocol?: string): ServicePort => ({
    ...port(name, appProtocol),
    port: number,
  });
  expect(protocolOf(numbered(3306), [])).toEqual(server);
  expect(protocolOf(numbered(5432, 'data'), [])).toEqual(client);
  expect(protocolOf(numbered(5432, 'http'), [])).toEqual(http);
  expect(protocolOf(numbered(5432, 'data', 'example.com/other'), [])).toEqual({});
  expect(protocolOf(numbered(443), [])).toEqual({});
  for (const name of Object.values(protocolNumbers)) {
    expect([...protocolNames.client, ...protocolNames.server]).toContain(name);
  }
});

test.each<[string, ServicePort, TcpPort, object]>([
  ['its number', port('http'), { port: 5000, speaksFirst: undefined }, raw],
  ['its name', port('data', 'http'), { port: 'data', speaksFirst: 'server' }, server],
  ['its name, and is known to speak first', port('mysql'), { port: 'mysql', speaksFirst: undefined }, server],
  ['its number, and its owner knows better', port('mysql'), { port: 5000, speaksFirst: 'client' }, client],
  ['another name', port('http'), { port: 'data', speaksFirst: undefined }, http],
])('scaler/tcp-ports comes first: a port that it names by %s', (_, one, declared, expected) => {
  expect(protocolOf(one, [declared])).toEqual(expected);
});

test('a port that scaler/tcp-ports names and no Service has is reported to its owner', () => {
  const managed = (annotations: Record<string, string>): never =>
    ({ workload: { annotations }, settings: { tcpPorts: [{ port: 5000 }, { port: 'data' }] } }) as never;
  const services = [{ ports: [port('http')] }] as never;
  expect(portsWithoutEffect(managed({ 'scaler/tcp-ports': '5000, data' }), services)).toEqual([
    'scaler/tcp-ports: none of its Services has a port data',
  ]);
  expect(portsWithoutEffect(managed({}), services)).toEqual([]);
});

test('the README names the same protocols', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const numbers = Object.entries(protocolNumbers)
    .map(([number, name]) => `${number} ${name}`)
    .join(', ');
  expect(readme.replace(/\s+/g, ' ')).toContain(`where it is one of these: ${numbers}.`);
  for (const names of Object.values(protocolNames)) {
    expect(readme).toContain(`| ${names.map((name) => `\`${name}\``).join(', ')} `);
  }
});
