import { expect, test } from '@jest/globals';
import { startRaw } from '../testing/tcp.ts';
import { proxyHeader } from './proxy-header.ts';

const hex = (text: string): string => text.replace(/ /g, '');
const signature = '0d0a0d0a000d0a515549540a';
const ports = { remotePort: 56_324, localPort: 443 };
const v4 = { remoteAddress: '192.168.0.1', localAddress: '10.1.2.3', ...ports };
const v6 = { remoteAddress: '2001:db8::12:fe', localAddress: 'fe80::1%eth0', ...ports };

test.each([
  ['IPv4', v4, 'TCP4 192.168.0.1 10.1.2.3 56324 443', '21 11 000c c0a80001 0a010203 dc04 01bb'],
  [
    'IPv4 on a dual-stack socket',
    { ...v4, remoteAddress: '::ffff:192.168.0.1', localAddress: '::ffff:10.1.2.3' },
    'TCP4 192.168.0.1 10.1.2.3 56324 443',
    '21 11 000c c0a80001 0a010203 dc04 01bb',
  ],
  [
    'IPv6',
    v6,
    'TCP6 2001:db8::12:fe fe80::1 56324 443',
    '21 21 0024 20010db80000000000000000001200fe fe800000000000000000000000000001 dc04 01bb',
  ],
  [
    'the shortest IPv6',
    { ...v6, remoteAddress: '::', localAddress: '::1' },
    'TCP6 :: ::1 56324 443',
    '21 21 0024 00000000000000000000000000000000 00000000000000000000000000000001 dc04 01bb',
  ],
  [
    'an IPv6 in full, one with an IPv4 in it',
    { ...v6, remoteAddress: '1:2:3:4:5:6:7:8', localAddress: '64:ff9b::1.2.3.4' },
    'TCP6 1:2:3:4:5:6:7:8 64:ff9b::1.2.3.4 56324 443',
    '21 21 0024 00010002000300040005000600070008 0064ff9b000000000000000001020304 dc04 01bb',
  ],
  ['a socket that is gone', {}, 'UNKNOWN', '21 00 0000'],
])('the header names %s in both versions', (_, ends, one, two) => {
  expect(proxyHeader('v1', ends).toString()).toBe(`PROXY ${one}\r\n`);
  expect(proxyHeader('v2', ends).toString('hex')).toBe(signature + hex(two));
});

test.each(['v1', 'v2'] as const)(
  'an endpoint hears of its client before the first byte, by %s',
  async (proxyProtocol) => {
    const { h, port, dial, wake, app } = await startRaw({ protocol: 'tcp', proxyProtocol });
    const client = await dial('PING');
    const { localPort } = client.socket;
    await wake();
    const redis = await app(0, 'PING');
    const ends = { remoteAddress: '127.0.0.1', localAddress: '127.0.0.1', remotePort: localPort, localPort: port };
    expect(redis.heard()).toBe(`${proxyHeader(proxyProtocol, ends).toString('latin1')}PING`);
    redis.socket.end('+PONG');
    await client.hears('+PONG');
    client.socket.end();
    await h.end({ forwarded: 1 });
  },
);
