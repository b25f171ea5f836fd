import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server as TcpServer } from 'node:net';
import { join } from 'node:path';
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type ServiceError,
  status,
  type StatusObject,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { afterEach, expect, test } from '@jest/globals';
import { createShutdown } from '@scaler/runtime';
import { type Endpoint, systemClock, terminal } from '@scaler/scaler-types';
import { createFakeClock, silentLogger } from '@scaler/testing-kit';
import { outcomeNames } from '../outcome.ts';
import { drainTimes, endpoint, startAwake, startHarness } from '../testing/harness.ts';
import { grpcMessage, grpcStatuses, isGrpc, readGrpcTimeout, writeGrpcTimeout } from './grpc.ts';

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

const same = (value: Buffer): Buffer => value;
const methods = { Unary: [false, false], Upload: [true, false], Download: [false, true], Chat: [true, true] } as const;
const definition = Object.fromEntries(
  Object.entries(methods).map(([name, [requestStream, responseStream]]) => [
    name,
    {
      path: `/test.Test/${name}`,
      requestStream,
      responseStream,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  ]),
);

interface App {
  readonly endpoint: Endpoint;
  /** Kinds of calls that came, and how those ended that were cancelled. */
  readonly seen: string[];
  readonly metadata: Metadata[];
  /** Milliseconds that callers granted. */
  readonly granted: number[];
  readonly chats: ServerDuplexStream<Buffer, Buffer>[];
}

/** A gRPC server that echoes. */
async function startApp(): Promise<App> {
  const app: Omit<App, 'endpoint'> = { seen: [], metadata: [], granted: [], chats: [] };
  const came = (
    kind: string,
    call: { metadata: Metadata; on(event: 'cancelled', listener: () => void): void },
  ): void => {
    app.seen.push(kind);
    app.metadata.push(call.metadata);
    call.on('cancelled', () => app.seen.push(`${kind} cancelled`));
  };
  const implementation: UntypedServiceImplementation = {
    Unary(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
      came('Unary', call);
      const text = call.request.toString();
      if (text === 'hang') return;
      app.granted.push(Number(call.getDeadline()) - Date.now());
      const trailer = new Metadata();
      trailer.set('x-trailer', 'last');
      const head = new Metadata();
      head.set('x-head', 'first');
      call.sendMetadata(head);
      if (text === 'fail') answer({ code: status.DATA_LOSS, details: 'lost é', metadata: trailer });
      else answer(null, Buffer.from(`got ${text}`), trailer);
    },
    Upload(call: ServerReadableStream<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
      came('Upload', call);
      let got = 0;
      call.on('data', (message: Buffer) => (got += message.length));
      call.on('end', () => answer(null, Buffer.from(String(got))));
    },
    Download(call: ServerWritableStream<Buffer, Buffer>) {
      came('Download', call);
      for (let i = 0; i < 5; i++) call.write(Buffer.alloc(100_000, i));
      call.end();
    },
    Chat(call: ServerDuplexStream<Buffer, Buffer>) {
      came('Chat', call);
      app.chats.push(call);
      call.on('data', (message: Buffer) => call.write(Buffer.from(`got ${message}`)));
      call.on('end', () => call.end());
    },
  };
  const server = new Server();
  server.addService(definition, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  open.push(() => server.forceShutdown());
  return { ...app, endpoint: endpoint(port) };
}

/** A client for `web`, as on the shared port. */
function dial(port: number, authority = 'web'): Client {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.default_authority': authority,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.initial_reconnect_backoff_ms': 20,
  });
  open.push(() => client.close());
  return client;
}

interface Answer {
  readonly body: string | undefined;
  readonly status: Partial<StatusObject>;
  readonly head: Metadata | undefined;
}

function unary(client: Client, body: string, options: CallOptions = {}, path = '/test.Test/Unary'): Promise<Answer> {
  return new Promise((resolve) => {
    let head: Metadata | undefined;
    let error: ServiceError | null = null;
    let answer: Buffer | undefined;
    const metadata = new Metadata();
    metadata.set('x-mine', 'a');
    metadata.set('x-some-bin', Buffer.of(0, 255));
    const call = client.makeUnaryRequest(path, same, same, Buffer.from(body), metadata, options, (e, value) => {
      error = e;
      answer = value;
    });
    call.on('metadata', (value) => (head = value));
    call.on('status', (status) =>
      setImmediate(() => resolve({ body: answer?.toString(), status: error ?? status, head })),
    );
  });
}

function chat(client: Client): {
  call: ClientDuplexStream<Buffer, Buffer>;
  got: string[];
  ended: Promise<StatusObject>;
} {
  const call = client.makeBidiStreamRequest('/test.Test/Chat', same, same);
  const got: string[] = [];
  call.on('data', (message: Buffer) => got.push(message.toString()));
  call.on('error', () => {});
  const ended = new Promise<StatusObject>((resolve) => void call.on('status', resolve));
  return { call, got, ended };
}

test('calls of all four kinds wait for a sleeper and are answered by it, with metadata both ways and trailers', async () => {
  const app = await startApp();
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const client = dial(h.port);
  const one = unary(client, 'hello');
  const uploaded = new Promise<string>((resolve) => {
    const call = client.makeClientStreamRequest('/test.Test/Upload', same, same, (_e, value) => resolve(String(value)));
    for (let i = 0; i < 5; i++) call.write(Buffer.alloc(100_000));
    call.end();
  });
  const downloaded = new Promise<number>((resolve) => {
    let got = 0;
    const call = client.makeServerStreamRequest('/test.Test/Download', same, same, Buffer.from('all'));
    call.on('data', (message: Buffer) => (got += message.length));
    call.on('end', () => resolve(got));
  });
  const { call, got, ended } = chat(client);
  call.write(Buffer.from('1'));
  await h.until(() => h.held() === 4);
  expect(app.seen).toEqual([]);
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.calls[0]?.ok();
  const { body, status: told, head } = await one;
  expect([body, told.code, told.metadata?.get('x-trailer'), head?.get('x-head')]).toEqual([
    'got hello',
    0,
    ['last'],
    ['first'],
  ]);
  expect(await uploaded).toBe('500000');
  expect(await downloaded).toBe(500_000);
  await h.until(() => got.length === 1);
  call.write(Buffer.from('2'));
  await h.until(() => got.length === 2);
  call.end();
  expect((await ended).code).toBe(status.OK);
  expect(got).toEqual(['got 1', 'got 2']);
  const metadata = app.metadata[app.seen.indexOf('Unary')];
  expect([metadata?.get('x-mine'), metadata?.get('x-some-bin')]).toEqual([['a'], [Buffer.of(0, 255)]]);
  await h.end({ forwarded: 4 });
});

test("an app's own failures and refusals pass as they are", async () => {
  const app = await startApp();
  const h = await startAwake([app]);
  const client = dial(h.port);
  const { status: told } = await unary(client, 'fail');
  expect([told.code, told.details, told.metadata?.get('x-trailer')]).toEqual([status.DATA_LOSS, 'lost é', ['last']]);
  expect((await unary(client, 'x', {}, '/test.Test/None')).status.code).toBe(status.UNIMPLEMENTED);
  await h.end({ forwarded: 2 });
});

test('a call whose deadline passes while it waits ends then, and is not sent; one that was held is sent what is left', async () => {
  const app = await startApp();
  const clock = createFakeClock();
  const h = await startHarness({ clock, settings: { holdTimeoutMs: 60_000 } });
  h.scaler.set({ name: 'web' });
  const client = dial(h.port);
  const at = Date.now();
  const short = unary(client, 'short', { deadline: at + 20_000 });
  const long = unary(client, 'long', { deadline: at + 50_000 });
  await h.until(() => h.held() === 2);
  await clock.advance(20_000);
  const { status: told } = await short;
  expect([told.code, told.details]).toEqual([
    status.DEADLINE_EXCEEDED,
    "wake-timeout: no endpoint took the call within the caller's own deadline",
  ]);
  expect(h.held()).toBe(1);
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.calls[0]?.ok();
  expect((await long).body).toBe('got long');
  expect(app.granted).toHaveLength(1);
  expect(Math.abs((app.granted[0] ?? 0) - 30_000)).toBeLessThan(5000);
  await h.end({ 'wake-timeout': 1, forwarded: 1 });
});

test('a caller that cancels or gives up is heard of upstream', async () => {
  const app = await startApp();
  const h = await startAwake([app]);
  const client = dial(h.port);
  const { call, ended } = chat(client);
  call.write(Buffer.from('1'));
  await h.until(() => app.chats.length === 1);
  call.cancel();
  expect((await ended).code).toBe(status.CANCELLED);
  const { status: told } = await unary(client, 'hang', { deadline: Date.now() + 100 });
  expect(told.code).toBe(status.DEADLINE_EXCEEDED);
  await h.until(() => app.seen.length === 4);
  expect(app.seen.sort()).toEqual(['Chat', 'Chat cancelled', 'Unary', 'Unary cancelled']);
  const { accounting } = h.dlx.core;
  await h.until(() => accounting.ended() === 2);
  // The app's own clock may be first to tell of the deadline.
  await h.end({
    'client-gone': accounting.outcomes['client-gone'],
    ...(accounting.outcomes.forwarded && { forwarded: 1 }),
  });
});

test('what we say ourselves is said in gRPC', async () => {
  const app = await startApp();
  const h = await startHarness({ settings: { holdTimeoutMs: 200, responseTimeoutMs: 200 } });
  h.scaler.set({ name: 'web', holdLimit: 1 });
  const client = dial(h.port);
  const wait = unary(client, 'x');
  await h.until(() => h.held() === 1);
  expect((await unary(client, 'x')).status).toMatchObject({
    code: status.UNAVAILABLE,
    details: 'overflow: default/web: holds 1 requests already',
  });
  const timeout = (await wait).status;
  expect([timeout.code, timeout.details?.startsWith('wake-timeout: default/web was not awake')]).toEqual([14, true]);
  expect((await unary(dial(h.port, 'unknown'), 'x')).status).toMatchObject({
    code: status.UNIMPLEMENTED,
    details: 'no-route: no known resource has this host and path',
  });
  const failed = unary(client, 'x');
  await h.until(() => h.held() === 1);
  for (const call of h.scaler.calls) call.fail(terminal('ImagePullBackOff: 100 % säd'));
  expect((await failed).status).toMatchObject({
    code: status.UNAVAILABLE,
    details: 'wake-failed: ImagePullBackOff: 100 % säd',
  });
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  expect((await unary(client, 'hang')).status).toMatchObject({ code: status.DEADLINE_EXCEEDED });
  await h.end({ overflow: 1, 'wake-timeout': 1, 'no-route': 1, 'wake-failed': 1, 'upstream-timeout': 1 });
});

test('the trailers say that an app died in the middle of a call', async () => {
  const app = await startApp();
  const relay = await startService(() => app.endpoint.port);
  const h = await startAwake([{ endpoint: endpoint(relay.port) }]);
  const { call, got, ended } = chat(dial(h.port));
  call.write(Buffer.from('1'));
  await h.until(() => got.length === 1);
  relay.cut();
  const { code, details } = await ended;
  expect([code, details.startsWith('upstream-reset: ')]).toEqual([status.UNAVAILABLE, true]);
  await h.end({ 'upstream-reset': 1 });
});

test('probes of a sleeper are answered as if it served, and wake nothing', async () => {
  const h = await startHarness();
  h.scaler.set({ name: 'web', quietRules: [{ path: '/test.Test/Quiet' }] });
  const client = new Client(`127.0.0.1:${h.port}`, credentials.createInsecure(), {
    'grpc.default_authority': 'web',
    'grpc.primary_user_agent': 'kube-probe/1.35',
  });
  open.push(() => client.close());
  const check = await unary(client, '', {}, '/grpc.health.v1.Health/Check');
  expect([check.status.code, Buffer.from(check.body ?? '')]).toEqual([status.OK, Buffer.of(8, 1)]);
  const quiet = await unary(dial(h.port), '', {}, '/test.Test/Quiet');
  expect(quiet.status.code).toBe(status.UNAVAILABLE);
  expect([h.scaler.calls.length, h.dlx.resources.gates.get('default/web')?.arrivals]).toEqual([0, 0]);
  await h.end({ 'not-woken': 2 });
});

/** A Service: passes each new connection on to whatever port is its now. */
async function startService(port: () => number): Promise<{ port: number; cut(): void }> {
  const sockets = new Set<{ destroy(): void }>();
  const server: TcpServer = createServer((socket) => {
    const to = connect(port(), '127.0.0.1');
    for (const end of [socket, to]) {
      sockets.add(end);
      end.on('error', () => {}).on('close', () => (socket.destroy(), to.destroy()));
    }
    socket.pipe(to).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  open.push(() => (server.close(), cut()));
  return { port: (server.address() as AddressInfo).port, cut };
}

test('across SIGTERM of one of two DLX a stream from zero completes, the next goes to the other one', async () => {
  const app = await startApp();
  const [one, two] = [await startHarness(), await startHarness()];
  let current = one.port;
  const service = await startService(() => current);
  const client = dial(service.port);
  one.scaler.set({ name: 'web' });
  const first = chat(client);
  first.call.write(Buffer.from('1'));
  const call = await one.scaler.call(0);
  for (const { scaler } of [one, two]) scaler.endpoints('web', [app.endpoint]);
  call.ok();
  await one.until(() => first.got.length === 1);
  two.scaler.set({ name: 'web', phase: 'awake' });
  current = two.port;
  const shutdown = createShutdown({ deadlineMs: 10_000, logger: silentLogger, clock: systemClock });
  one.dlx.addDrainSteps(shutdown, drainTimes(5000));
  const down = shutdown.run();
  await one.until(() => client.getChannel().getConnectivityState(false) !== 2);
  const second = chat(client);
  second.call.write(Buffer.from('2'));
  await two.until(() => second.got.length === 1);
  first.call.write(Buffer.from('3'));
  await one.until(() => first.got.length === 2);
  first.call.end();
  expect((await first.ended).code).toBe(status.OK);
  await down;
  second.call.end();
  expect((await second.ended).code).toBe(status.OK);
  expect([first.got, second.got]).toEqual([['got 1', 'got 3'], ['got 2']]);
  await one.end({ forwarded: 1 });
  await two.end({ forwarded: 1 });
});

test('a stream that does not end by the deadline of the shutdown ends with UNAVAILABLE', async () => {
  const app = await startApp();
  const h = await startAwake([app]);
  const { call, got, ended } = chat(dial(h.port));
  call.write(Buffer.from('1'));
  await h.until(() => got.length === 1);
  const shutdown = createShutdown({ deadlineMs: 10_000, logger: silentLogger, clock: systemClock });
  h.dlx.addDrainSteps(shutdown, drainTimes(100));
  const down = shutdown.run();
  expect(await ended).toMatchObject({ code: status.UNAVAILABLE, details: 'draining: this DLX is shutting down' });
  await down;
  await h.until(() => app.seen.includes('Chat cancelled'));
  await h.end({ draining: 1 });
});

test('the statuses of the README are the statuses', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` +\| ([^;|]*)/gm)].flatMap(([, name = '', list = '']) =>
    [...list.matchAll(/`([a-z-]+)`/g)].map(([, outcome]) => [outcome, status[name as keyof typeof status]]),
  );
  const known = Object.entries(grpcStatuses).filter(([outcome]) => !['forwarded', 'client-gone'].includes(outcome));
  expect(rows.sort()).toEqual(known.sort());
});

test('texts, times and types are read and written as gRPC has them', () => {
  expect(grpcMessage('100 % säd\n')).toBe('100 %25 s%C3%A4d%0A');
  const times = ['1H', '2M', '3S', '4m', '5000u', '6000000n', '', '1', '1s', '123456789S', '-1S'].map(readGrpcTimeout);
  const [hour, , , , micro, nano] = times;
  expect(times.map((ms) => ms && Math.round(ms))).toEqual([
    3_600_000,
    120_000,
    3000,
    4,
    5,
    6,
    ...Array(5).fill(undefined),
  ]);
  expect([hour, micro, nano].every((ms) => ms !== undefined)).toBe(true);
  expect([0.2, 1500.5, 2e8].map(writeGrpcTimeout)).toEqual(['1m', '1501m', '200000S']);
  const types = ['application/grpc', 'application/grpc+proto', 'application/grpc;x', 'application/grpc-web', undefined];
  expect(types.map(isGrpc)).toEqual([true, true, true, false, false]);
  expect(Object.keys(grpcStatuses)).toEqual(outcomeNames);
});
