import { ServerResponse } from 'node:http';
import { connect, type Http2Stream } from 'node:http2';
import { Server } from 'node:net';
import { afterEach, expect, jest, test } from '@jest/globals';
import { createMetrics } from '@scaler/runtime';
import { createFakeClock } from '@scaler/testing-kit';
import { Faults } from '../ledger/accounting.ts';
import { EndpointState } from '../endpoints/endpoint-state.ts';
import { Http1Carrier } from '../http1/http1-carrier.ts';
import { Informed } from '../head/informed.ts';
import { Upstreams } from '../endpoints/upstreams.ts';
import { UpstreamSocket } from '../endpoints/upstream-socket.ts';
import { Http2Carrier } from '../http2/http2-carrier.ts';
import { StreamChunks } from '../http2/streams/stream-chunks.ts';
import { UpstreamSessions } from '../http2/upstream-sessions.ts';
import type { Outcome } from '../outcome.ts';
import { TargetWay } from '../proxy.ts';
import { TcpCarrier } from '../tcp/tcp-connection.ts';
import { beside, finishAll, startBystanders } from '../testing/bystanders.ts';
import { body, head, reset, startFrameApp } from '../testing/frames.ts';
import { type Harness, startHarness } from '../testing/harness.ts';
import { connectHttp2, open2, startHttp2App } from '../testing/http2.ts';
import { endOf } from '../testing/stream.ts';
import { freePort, startTcp } from '../testing/upstream.ts';
import { UpgradeCarrier } from '../upgrade/upgrade-carrier.ts';
import { WebSocketFrames } from '../upgrade/web-socket-frames.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

/** The next call throws; others go through. */
function throwsOnce<T extends object>(prototype: T, method: keyof T & string): void {
  const spied = jest.spyOn(prototype as Record<string, () => unknown>, method);
  spied.mockImplementationOnce(() => {
    throw new Error(`${method} threw`);
  });
}

const original = UpstreamSocket.prototype.read;

/** As where undici's parser asserts. */
function readableThrowsOnce(): void {
  const spied = jest.spyOn(UpstreamSocket.prototype, 'read');
  let armed = true;
  spied.mockImplementation(function (this: UpstreamSocket, size?: number) {
    // Node's own calls ask for nothing.
    if (size === 0 || !armed) return original.call(this, size) as Buffer | null;
    armed = false;
    throw new Error('the parser threw');
  });
}

const originalTake = StreamChunks.prototype.take;

/** Where the piece of an answer is read. */
function chunkThrowsOnce(): void {
  const spied = jest.spyOn(StreamChunks.prototype, 'take');
  let armed = true;
  spied.mockImplementation(function (this: StreamChunks, chunk: Buffer | null) {
    if (!armed || chunk?.toString() !== 'x') return originalTake.call(this, chunk);
    armed = false;
    throw new Error('the reader threw');
  });
}

/** Sends what makes it throw, and resolves once the client has heard the end of it. */
type Provoke = (h: Harness, response: string) => Promise<void>;

const ok = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n';

async function serve(h: Harness, response: string): Promise<void> {
  const app = await startTcp((socket) => socket.once('data', () => socket.write(response)));
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
}

/** Hears an answer, or a reset. */
async function raw(h: Harness, text: string, port = h.port): Promise<void> {
  const client = endOf(await h.raw(text, port));
  await h.until(() => client.events.length > 0 || /HTTP\/1.1 [2-5]/.test(client.heard()), 'it ends');
  client.socket.destroy();
}

const get = (h: Harness): Promise<void> => raw(h, 'GET / HTTP/1.1\r\nhost: web\r\n\r\n');
const asking = (h: Harness): Promise<void> =>
  raw(h, 'POST / HTTP/1.1\r\nhost: web\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n');
const go = 'HTTP/1.1 100 Continue\r\n\r\n';
const offer = (h: Harness): Promise<void> =>
  raw(h, 'GET / HTTP/1.1\r\nhost: web\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
const switched = 'HTTP/1.1 101 So\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';

/** In HTTP/1, by what throws. */
const inHttp1: [what: string, arm: () => void, provoke: Provoke, Outcome, response?: string][] = [
  ['the check of a head', () => throwsOnce(Http1Carrier.prototype, 'check'), get, 'bad-request'],
  ['the check of an offer', () => throwsOnce(UpgradeCarrier.prototype, 'check'), offer, 'bad-request'],
  ['a try that is made', () => throwsOnce(Http1Carrier.prototype, 'attempt'), get, 'bad-request'],
  ['a connection that stands', () => throwsOnce(TargetWay.prototype, 'connected'), get, 'upstream-reset'],
  ['"100 Continue"', () => throwsOnce(Http1Carrier.prototype, 'inform'), asking, 'upstream-reset', go],
  ['the head of an answer', () => throwsOnce(TargetWay.prototype, 'answered'), get, 'upstream-reset'],
  ['writing the head of an answer', () => throwsOnce(ServerResponse.prototype, 'writeHead'), get, 'upstream-reset'],
  ['writing a piece of an answer', () => throwsOnce(ServerResponse.prototype, 'write'), get, 'upstream-reset'],
  ['the end of an answer', () => throwsOnce(Upstreams.prototype, 'release'), get, 'upstream-reset'],
  ['a 1xx', () => throwsOnce(Informed.prototype, 'take'), get, 'upstream-reset', `HTTP/1.1 103 So\r\n\r\n${ok}`],
  ['what comes from an endpoint', () => readableThrowsOnce(), get, 'upstream-reset'],
  ['an endpoint that breaks off', () => throwsOnce(EndpointState.prototype, 'brokeOff'), get, 'upstream-reset', 'HTTX'],
  ['an offer that is sent', () => throwsOnce(TargetWay.prototype, 'connected'), offer, 'upstream-reset'],
  ['an answer to an offer', () => throwsOnce(TargetWay.prototype, 'answered'), offer, 'upstream-reset'],
  ['the head of that', () => throwsOnce(ServerResponse.prototype, 'writeHead'), offer, 'upstream-reset'],
  ['giving away its socket', () => throwsOnce(UpgradeCarrier.prototype, 'release'), offer, 'upstream-reset', switched],
  ['a frame', () => throwsOnce(WebSocketFrames.prototype, 'pass'), offer, 'upstream-reset', `${switched}\x82\x01x`],
];

test.each(inHttp1)('%s, in HTTP/1: it ends, and nothing else', async (_what, arm, provoke, outcome, response = ok) => {
  const h = await startHarness();
  const others = await startBystanders(h);
  await serve(h, response);
  arm();
  await provoke(h, response);
  await h.until(() => h.dlx.core.accounting.outcomes[outcome] === 1, 'it has its outcome');
  await others.finish();
  expect(await faults(h, 'request')).toBe(1);
  await h.end({ forwarded: others.count, [outcome]: 1 });
});

async function faults(h: Harness, ended: 'request' | 'connection'): Promise<number> {
  const counts = ['', 'default'].map((namespace) =>
    h.metric(`dlx_faults_total{ended="${ended}",namespace="${namespace}"}`),
  );
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** A method of all of Node's streams in HTTP/2. */
async function streamPrototype(): Promise<Http2Stream> {
  const app = await startHttp2App();
  const session = connect(`http://127.0.0.1:${app.endpoint.port}`);
  const stream = session.request({ ':path': '/' });
  session.destroy();
  stream.on('error', () => {});
  return Object.getPrototypeOf(Object.getPrototypeOf(stream)) as Http2Stream;
}

const informed = (stream: number): Buffer => head(stream, [[':status', '103']]);
const whole = (stream: number): Buffer =>
  Buffer.concat([head(stream, [[':status', '200']]), body(stream, 'x'), head(stream, [['x-own', '1']], true)]);
const inHttp2: [what: string, arm: (streams: Http2Stream) => void, Outcome, response?: (stream: number) => Buffer][] = [
  ['the check of a head', () => throwsOnce(Http2Carrier.prototype, 'check'), 'bad-request'],
  ['a try that is made', () => throwsOnce(Http2Carrier.prototype, 'attempt'), 'bad-request'],
  ['a request that is sent', () => throwsOnce(TargetWay.prototype, 'connected'), 'upstream-reset'],
  ['a session', () => throwsOnce(UpstreamSessions.prototype, 'acquire'), 'upstream-reset'],
  ['a 1xx', () => throwsOnce(Informed.prototype, 'take'), 'upstream-reset', informed],
  ['the head of an answer', () => throwsOnce(TargetWay.prototype, 'answered'), 'upstream-reset'],
  ['reading a piece of an answer', chunkThrowsOnce, 'upstream-reset'],
  ['writing a piece of an answer', (streams) => throwsOnce(streams, 'write' as never), 'upstream-reset'],
  ['the trailers of an answer', (streams) => throwsOnce(streams, 'sendTrailers'), 'forwarded'],
  ['a stream that is reset', () => throwsOnce(EndpointState.prototype, 'brokeOff'), 'upstream-reset', (s) => reset(s)],
];

test.each(inHttp2)('%s, in HTTP/2: it ends, and nothing else', async (_what, arm, outcome, response = whole) => {
  const h = await startHarness();
  const streams = await streamPrototype();
  const others = await startBystanders(h);
  const app = await startFrameApp((socket, stream) => socket.write(response(stream)));
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  const session = connectHttp2(h.port);
  const near = beside(session);
  await h.until(() => app.uploads() === others.count, 'all are with their app');
  arm(streams);
  const { answer } = open2(session, { ':path': '/' });
  const { status, code } = await answer;
  // What was answered already is reset.
  expect(status === 400 || status === 502 || code !== 0).toBe(true);
  await finishAll(near);
  await others.finish();
  expect((await faults(h, 'request')) + (await faults(h, 'connection'))).toBe(1);
  const forwarded = 2 * others.count + (outcome === 'forwarded' ? 1 : 0);
  await h.end({ forwarded, ...(outcome !== 'forwarded' && { [outcome]: 1 }) });
});

const inTcp: [what: string, arm: () => void, Outcome][] = [
  ['the check of a connection', () => throwsOnce(TcpCarrier.prototype, 'check'), 'bad-request'],
  ['a connection that stands', () => throwsOnce(TargetWay.prototype, 'connected'), 'upstream-reset'],
  ['giving away the socket', () => throwsOnce(TcpCarrier.prototype, 'release'), 'upstream-reset'],
  ['the first of what an endpoint says', () => throwsOnce(TargetWay.prototype, 'answered'), 'upstream-reset'],
];

test.each(inTcp)('%s, in TCP: it ends, and nothing else', async (_what, arm, outcome) => {
  const h = await startHarness();
  const others = await startBystanders(h);
  await serve(h, 'hello');
  const port = await freePort();
  const target = { service: 'web', port: 80, listenPort: port, protocol: 'tcp', speaksFirst: 'client' } as const;
  h.scaler.set({ name: 'web', phase: 'awake', targets: [target] });
  await h.until(() => h.dlx.listeners.isListening(port), 'the port is listened on');
  arm();
  await raw(h, 'x', port);
  await h.until(() => h.dlx.core.accounting.outcomes[outcome] === 1, 'it has its outcome');
  await others.finish();
  expect(await faults(h, 'request')).toBe(1);
  await h.end({ forwarded: others.count, [outcome]: 1 });
});

test('one that was held ends alone, too', async () => {
  const h = await startHarness();
  const others = await startBystanders(h);
  h.scaler.set({ name: 'web' });
  const held = [1, 2, 3].map(() => h.send());
  await h.until(() => h.held() === 3, 'all are held');
  throwsOnce(Http1Carrier.prototype, 'attempt');
  await serve(h, ok);
  const statuses = (await Promise.all(held)).map(({ status }) => status);
  expect(statuses.sort()).toEqual([200, 200, 400]);
  await others.finish();
  await h.end({ forwarded: others.count + 2, 'bad-request': 1 });
});

test('a refusal that throws ends in its outcome all the same', async () => {
  const h = await startHarness();
  throwsOnce(Http1Carrier.prototype, 'answer');
  await raw(h, 'GET / HTTP/1.1\r\nhost: unknown\r\n\r\n');
  expect(await faults(h, 'request')).toBe(1);
  await h.end({ 'no-route': 1 });
});

test('faults are counted one by one, and logged now and then', async () => {
  const clock = createFakeClock();
  const lines: object[] = [];
  const error = (message: string, fields: object = {}): void => void lines.push({ message, ...fields });
  const logger = { debug() {}, info() {}, warn() {}, error, child: () => logger };
  const told = new Faults(createMetrics(), clock, logger);
  const err = new Error('no');
  for (let i = 0; i < 1000; i++) told.report(err, 'request', { namespace: 'a', name: 'b' });
  expect(lines).toEqual([
    { message: expect.stringContaining('a request ended'), namespace: 'a', name: 'b', unlogged: 0, err },
  ]);
  await clock.advance(10_000);
  told.report(err, 'connection');
  expect(lines[1]).toEqual({ message: expect.stringContaining('a connection ended'), unlogged: 999, err });
});

test('a listener of an old try ends the try, and not the request that went on', async () => {
  const h = await startHarness();
  await serve(h, ok);
  h.scaler.set({ name: 'web' });
  const answer = h.send();
  await h.until(() => h.held() === 1, 'it is held');
  const x = h.dlx.resources.gates.get('default/web')?.lanes[0]?.head;
  let aborted = 0;
  x?.broke(new Error('late'), { isUnderWay: false, dispatch() {}, abort: () => (aborted += 1), broke() {} });
  expect(aborted).toBe(1);
  (await h.scaler.call(0)).ok();
  expect((await answer).status).toBe(200);
  await h.end({ forwarded: 1 });
});

test('a connection that could not be accepted closes neither the port nor the process', async () => {
  const h = await startHarness();
  const port = await freePort();
  const listened = jest.spyOn(Server.prototype, 'listen');
  h.scaler.set({ name: 'web', targets: [{ service: 'web', port: 80, listenPort: port }] });
  await h.until(() => h.dlx.listeners.isListening(port), 'the port is listened on');
  const server = listened.mock.contexts[0] as Server;
  expect(server.emit('error', new Error('accept ENOBUFS'))).toBe(true);
  expect(h.dlx.listeners.isListening(port)).toBe(true);
  expect(h.dlx.listeners.failures()).toEqual([]);
});
