import { expect, test } from '@jest/globals';
import { startRaw } from '../testing/tcp.ts';
import { dialectOf, needsAnswer } from './dialect.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const startup = bytes('\0\0\0\x11\0\x03\0\0user\0me\0\0');
const cancel = bytes('\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02');
const hello = bytes('\x16\x03\x01\x02\0\x01');

test.each([
  ['a TLS handshake', hello, 'tls', true],
  ['a startup of PostgreSQL', startup, 'postgresql', true],
  ['its request for TLS', bytes('\0\0\0\x08\x04\xd2\x16\x2f'), 'postgresql', true],
  ['its request for GSSAPI', bytes('\0\0\0\x08\x04\xd2\x16\x30'), 'postgresql', true],
  ['its request to cancel', cancel, 'postgresql', false],
  ['a command of Redis', bytes('*3\r\n$3\r\nSET'), 'redis', false],
  ['a PROXY header, version 1', bytes('PROXY TCP4 10.0.0.1 10'), 'proxy', false],
  ['one of an unknown client', bytes('PROXY UNKNOWN\r\n'), 'proxy', false],
  ['a PROXY header, version 2', bytes('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c'), 'proxy', false],
  ['an empty line before a request in HTTP', bytes('\r\n\r\nGET / HTTP/1.1'), undefined, false],
  ['a request by another method', bytes('PROXYFIND / HTTP/1.1\r\n'), undefined, false],
  ['a request in HTTP', bytes('GET / HTTP/1.1\r\n'), undefined, false],
  ['something else that begins with a zero', bytes('\0\0\0\x08\0\0\0\0'), 'other', false],
  ['something else that begins like TLS', bytes('\x16\x04\0\0'), 'other', false],
  ['an inline command of Redis', bytes('PING\r\n'), 'other', false],
  ['one with a name that HTTP has a method of', bytes('GET key\r\n'), 'other', false],
  ['one that names a path', bytes('SET /session/1 on\r\n'), 'other', false],
  ['a line that ends without a CR', bytes('PING\n'), 'other', false],
  ['a command of memcached', bytes('version\r\n'), 'other', false],
  ['one with a key that is a path', bytes('gets /a/b\r\n'), 'other', false],
  ['a greeting of SMTP', bytes('HELO client.example\r\n'), 'other', false],
  ['a command of IMAP', bytes('a1 LOGIN me secret\r\n'), 'other', false],
  ['NATS, which has a method of HTTP', bytes('CONNECT {"verbose":false}\r\nPING\r\n'), 'other', false],
  ['a command of beanstalkd', bytes('list-tubes\r\n'), 'other', false],
  ['FTP', bytes('USER anonymous\r\n'), 'other', false],
  ['SSH', bytes('SSH-2.0-OpenSSH_9.6\r\n'), 'other', false],
  ['RTSP', bytes('OPTIONS rtsp://example.com/media RTSP/1.0\r\n'), 'other', false],
  ['SIP', bytes('REGISTER sip:example.com SIP/2.0\r\n'), 'other', false],
  ['AMQP', bytes('AMQP\0\0\x09\x01'), 'other', false],
  ['MQTT', bytes('\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0'), 'other', false],
  ['MongoDB', bytes(':\0\0\0\x01\0\0\0\0\0\0\0\xd4\x07\0\0'), 'other', false],
  ['LDAP', bytes('0\x0c\x02\x01\x01`\x07'), 'other', false],
  ['lines of JSON', bytes('{"id":1,"method":"ping"}\n'), 'other', false],
  ['XMPP', bytes("<?xml version='1.0'?><stream:stream"), 'other', false],
  ['a long line', bytes(`SET key ${'x'.repeat(2000)}`), 'other', false],
  ['a long request', bytes(`LIST /${'x'.repeat(2000)}`), undefined, false],
  ['a request by a method that is not known', bytes('LIST /v1/secret HTTP/1.1\r\n'), undefined, false],
  ['one that has a wrong version', bytes('GET / HTTP/1.2\r\n'), undefined, false],
  ['one without a version', bytes('GET /\r\n'), undefined, false],
  ['one for all', bytes('OPTIONS * HTTP/1.1\r\n'), undefined, false],
  ['one for a proxy', bytes('GET http://example.com/ HTTP/1.1\r\n'), undefined, false],
  ['CONNECT', bytes('CONNECT example.com:443 HTTP/1.1\r\n'), undefined, false],
  ['something else that begins with a star', bytes('*GET / HTTP/1.1\r\n'), undefined, false],
  ['a star and too many digits', bytes('*123456789\r\n$'), 'other', false],
])('%s is known by its first bytes, once enough of them are there', (_, first, dialect, answer) => {
  expect(dialectOf(first)).toBe(dialect);
  expect(needsAnswer(first)).toBe(answer);
  const cut = Array.from({ length: first.length }, (__, i) => dialectOf(first.subarray(0, i + 1)));
  expect(new Set(cut.slice(cut.findIndex((one) => one !== 'more')))).toEqual(new Set([dialect]));
});

test.each([
  ['TLS', hello],
  ['PostgreSQL', startup],
  ['what a load balancer tells of its client', bytes('PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET / HTTP/1.1\r\n')],
  ['Redis', bytes('*1\r\n$4\r\nPING\r\n')],
  ['a command of Redis in a line', bytes('PING\r\n')],
  ['NATS', bytes('CONNECT {"verbose":false}\r\n')],
  ['SMTP', bytes('EHLO client.example\r\n')],
  ['MQTT', bytes('\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0')],
])('on a port of which nothing is declared %s goes through as it comes', async (_, first) => {
  const { h, dial, wake, app } = await startRaw({});
  const client = await dial(first.subarray(0, 1));
  client.socket.write(first.subarray(1));
  await wake();
  const end = await app(0, first.toString('latin1'));
  expect(end.heard()).toBe(first.toString('latin1'));
  end.socket.end('ok');
  await client.hears('ok');
  client.socket.end();
  await h.end({ forwarded: 1 });
});

test('on a port of which nothing is declared HTTP is HTTP', async () => {
  const { h, dial, wake, app } = await startRaw({});
  const client = await dial('GET / HTTP/1.1\r\nhost: db\r\n\r\n');
  await wake();
  const end = await app(0, '\r\n\r\n');
  expect(end.heard()).toContain('x-forwarded-for: 127.0.0.1');
  end.socket.write('HTTP/1.1 204 No Content\r\n\r\n');
  await client.hears('204');
  client.socket.end();
  await h.end({ forwarded: 1 });
});

test('what is declared tcp is never taken for HTTP', async () => {
  const { h, dial, wake, app } = await startRaw();
  const first = 'GET / HTTP/1.1\r\nhost: db\r\nuser-agent: kube-probe/1.36\r\n\r\n';
  const client = await dial(first);
  await wake();
  const end = await app(0, '\r\n\r\n');
  expect(end.heard()).toBe(first);
  end.socket.end('as it is');
  await client.hears('as it is');
  client.socket.end();
  await h.end({ forwarded: 1 });
});

test.each(['*1\r\n$4\r\nPING\r\n', 'PING\r\n'])('what is declared http is nothing else: %j', async (first) => {
  const { h, dial } = await startRaw({ protocol: 'http' });
  const client = await dial(first);
  await client.hears('HTTP/1.1 400');
  await h.end({ 'bad-request': 1 });
});

test('on the shared port there is HTTP alone', async () => {
  const { h } = await startRaw({});
  const socket = await h.raw('*1\r\n$4\r\nPING\r\n');
  const [said] = (await new Promise((resolve) => socket.once('data', (chunk) => resolve([chunk])))) as [Buffer];
  expect(said.toString()).toContain('HTTP/1.1 400');
  await h.end({ 'bad-request': 1 });
});
