import { once } from 'node:events';
import { constants, type ServerHttp2Stream, sensitiveHeaders } from 'node:http2';
import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { startAwake, startHarness } from '../testing/harness.ts';
import { ask, connectHttp2, open2, startHttp2App } from '../testing/http2.ts';
import { freePort, startUpstream } from '../testing/upstream.ts';

test('a request to a sleeper is held with its body unread, wakes it and is answered by it', async () => {
  const app = await startHttp2App((stream) => {
    let body = '';
    stream.on('data', (chunk) => (body += chunk));
    stream.on('end', () => {
      stream.respond({ ':status': 201, 'x-app': 'yes', 'set-cookie': ['a=1', 'b=2'] });
      stream.end(`got ${body}`);
    });
  });
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const client = connectHttp2(h.port);
  const answer = ask(client, { ':method': 'POST', ':path': '/x?y', 'x-mine': 'a', te: 'trailers' }, 'abc');
  const call = await h.scaler.call(0);
  expect([h.held(), app.seen]).toEqual([1, []]);
  h.scaler.endpoints('web', [app.endpoint]);
  call.ok();
  const { status, fields, body, whole, code } = await answer;
  expect([status, body, whole, code, fields['x-app']]).toEqual([201, 'got abc', true, 0, 'yes']);
  expect(fields['set-cookie']).toEqual(['a=1', 'b=2']);
  expect(app.heads[0]).toMatchObject({
    ':method': 'POST',
    ':path': '/x?y',
    ':scheme': 'http',
    ':authority': 'web',
    'x-mine': 'a',
    te: 'trailers',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'web',
    'x-scaler-hop': 'default/web',
  });
  expect(app.heads[0]).not.toHaveProperty('host');
  await h.end({ forwarded: 1 });
});

test("both protocols come in on a target's own port and on the shared one, each to its target", async () => {
  const app = await startHttp2App();
  const old = await startUpstream((_req, res) => res.end('http/1'));
  const h = await startAwake([app]);
  const port = await freePort();
  h.scaler.endpoints('old', [old.endpoint]);
  h.scaler.set({ name: 'old', phase: 'awake', dlxSeesAll: true });
  h.scaler.set({
    name: 'web',
    phase: 'awake',
    dlxSeesAll: true,
    targets: [{ service: 'web', port: 80, listenPort: port }],
  });
  await h.until(() => h.dlx.listeners.isListening(port));
  const own = connectHttp2(port);
  expect((await ask(own, { ':authority': 'whatever:1' })).body).toBe('ok');
  const shared = connectHttp2(h.port);
  expect((await ask(shared, {})).body).toBe('ok');
  expect((await h.send({ headers: { host: 'old' } })).body).toBe('http/1');
  expect((await ask(shared, { ':authority': 'unknown' })).problem.code).toBe('no-route');
  await h.end({ forwarded: 3, 'no-route': 1 });
});

test('the first bytes may come one by one, or not at all for a while, in either protocol', async () => {
  const app = await startHttp2App();
  const old = await startUpstream((_req, res) => res.end('http/1'));
  const h = await startAwake([app]);
  h.scaler.endpoints('old', [old.endpoint]);
  h.scaler.set({ name: 'old', phase: 'awake' });
  const silent = await h.raw('');
  const half = await h.raw('PRI * HTTP');
  for (const text of [
    'PUT / HTTP/1.1\r\nhost: old\r\ncontent-length: 0\r\n\r\n',
    'PROPFIND / HTTP/1.1\r\nhost: old\r\n\r\n',
  ]) {
    const socket = await h.raw('');
    socket.setNoDelay();
    for (const byte of text) {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(String((await once(socket, 'data'))[0])).toContain('HTTP/1.1 200');
  }
  const socket = connect({ host: '127.0.0.1', port: h.port, noDelay: true });
  let heard = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (heard = Buffer.concat([heard, chunk])));
  const head = Buffer.from([0x82, 0x84, 0x86, 0x41, 3, ...Buffer.from('web')]);
  const frames = [Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), Buffer.from([0, 0, head.length, 1, 5, 0, 0, 0, 1]), head];
  for (const byte of Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), ...frames])) {
    socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await h.until(() => heard.includes('ok'));
  socket.destroy();
  half.end();
  silent.end();
  await Promise.all([once(half, 'close'), once(silent, 'close')]);
  await h.end({ forwarded: 3 });
});

test('what is no HTTP/2 after all is refused, counted and reset', async () => {
  const h = await startHarness();
  const almost = await h.raw('PRINT / HTTP/1.1\r\n\r\n');
  expect(String((await once(almost, 'data'))[0])).toContain('HTTP/1.1 501');
  const broken = await h.raw('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n');
  broken.resume();
  await once(broken, 'close');
  expect(h.dlx.server.connections.size).toBe(0);
  await h.end({ 'bad-request': 1 });
});

test('trailers go both ways, hints and heads without a body pass, and nothing is compressed that must not be', async () => {
  const seen: Record<string, unknown>[] = [];
  const app = await startHttp2App((stream, head) => {
    if (head[':path'] === '/head-only') {
      stream.respond({ ':status': 204 }, { endStream: true });
      return;
    }
    if (head[':method'] === 'HEAD') {
      stream.respond({ ':status': 200, 'content-length': '5' });
      return;
    }
    stream.on('trailers', (trailers) => seen.push(trailers));
    stream.additionalHeaders({ ':status': 103, link: '</a>', 'x-hint': 'b' });
    stream.resume().on('end', () => {
      stream.respond({ ':status': 200, [sensitiveHeaders]: ['x-secret'], 'x-secret': 's' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1', 'x-two': ['a', 'b'] }));
      stream.end('body');
    });
  });
  const h = await startAwake([app]);
  const client = connectHttp2(h.port);
  const { stream, answer } = open2(
    client,
    { ':method': 'POST', 'x-token': 't', [sensitiveHeaders]: ['x-token'] },
    'abc',
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-mine': 'z' }));
  const { body, trailers, informed, fields } = await answer;
  expect([body, trailers['x-sum'], trailers['x-two']]).toEqual(['body', '1', 'a, b']);
  expect(informed).toMatchObject([{ ':status': 103, link: '</a>', 'x-hint': 'b' }]);
  expect(fields[sensitiveHeaders as unknown as string]).toEqual(['x-secret']);
  expect(app.heads[0]?.[sensitiveHeaders as unknown as string]).toEqual(['x-token']);
  expect(seen).toMatchObject([{ 'x-mine': 'z' }]);
  expect(await ask(client, { ':path': '/head-only' })).toMatchObject({ status: 204, body: '', whole: true });
  const head = await ask(client, { ':method': 'HEAD' });
  expect([head.status, head.fields['content-length'], head.whole]).toEqual([200, '5', true]);
  await h.end({ forwarded: 3 });
});

test('a client that waits for 100 gets it once the endpoint says so', async () => {
  const app = await startHttp2App((stream) => {
    stream.additionalHeaders({ ':status': 100 });
    stream.on('data', (chunk) => {
      stream.respond({ ':status': 200 });
      stream.end(`got ${chunk}`);
    });
  });
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  const { stream, answer } = open2(connectHttp2(h.port), { ':method': 'PUT', expect: '100-continue' }, undefined);
  let told = false;
  stream.on('continue', () => {
    told = true;
    stream.end('late');
  });
  const call = await h.scaler.call(0);
  expect(told).toBe(false);
  call.ok();
  expect((await answer).body).toBe('got late');
  expect(app.heads[0]).toHaveProperty('expect', '100-continue');
  await h.end({ forwarded: 1 });
});

test('an answer that comes before the body has ended is whole, our own too, and no stream is left behind', async () => {
  const app = await startHttp2App((stream, head) => {
    const answer = (): void => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
      stream.end('enough');
    };
    if (head[':path'] === '/some') stream.once('data', answer);
    else answer();
  });
  const h = await startAwake([app]);
  const client = connectHttp2(h.port);
  for (const path of ['/none', '/some']) {
    const { stream, answer } = open2(client, { ':method': 'POST', ':path': path }, undefined);
    stream.write(Buffer.alloc(60_000));
    const { whole, body, trailers, code } = await answer;
    expect([path, whole, body, trailers['x-sum'], code]).toEqual([path, true, 'enough', '1', 0]);
  }
  const { stream, answer } = open2(client, { ':method': 'POST', ':authority': 'unknown' }, undefined);
  stream.write(Buffer.alloc(60_000));
  expect(await answer).toMatchObject({ whole: true, code: 0, problem: { code: 'no-route' } });
  await h.until(() => app.streams.every(({ closed }) => closed));
  client.close();
  await h.until(() => h.dlx.server.connections.size === 0);
  await h.end({ forwarded: 2, 'no-route': 1 });
});

test('neither side is sent more than it takes', async () => {
  const big = 8 * 1024 * 1024;
  const app = await startHttp2App((stream, head) => {
    if (head[':path'] === '/up') return;
    stream.respond({ ':status': 200 });
    stream.end(head[':path'] === '/down' ? Buffer.alloc(big) : 'ok');
  });
  const h = await startAwake([app]);
  const client = connectHttp2(h.port);
  const up = open2(client, { ':method': 'POST', ':path': '/up' }, Buffer.alloc(big));
  await h.until(() => app.streams.length === 1);
  const down = open2(client, { ':path': '/down' });
  down.stream.pause();
  await h.until(() => app.streams.length === 2);
  const [taker, giver] = app.streams as [ServerHttp2Stream, ServerHttp2Stream];
  // Each of these gives everybody a turn.
  for (let i = 0; i < 30; i++) await ask(client, {});
  expect(up.stream.bufferSize).toBeGreaterThan(big - 512 * 1024);
  expect(giver.bufferSize).toBeGreaterThan(big - 512 * 1024);
  let got = 0;
  taker.on('data', (chunk: Buffer) => (got += chunk.length));
  taker.on('end', () => {
    taker.respond({ ':status': 200 });
    taker.end(String(got));
  });
  down.stream.resume();
  expect((await up.answer).body).toBe(String(big));
  expect((await down.answer).body).toHaveLength(big);
  await h.end({ forwarded: 32 });
});

test('a client that cancels while held frees its slot at once, its unread body and all, and the upstream is never called', async () => {
  const app = await startHttp2App();
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const client = connectHttp2(h.port);
  const codes = [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_INTERNAL_ERROR];
  const held = codes.map(() => open2(client, { ':method': 'POST' }, undefined));
  for (const { stream } of held) stream.write(Buffer.alloc(60_000));
  await h.until(() => h.held() === 3);
  const call = await h.scaler.call(0);
  for (const [i, { stream }] of held.entries()) stream.close(codes[i]);
  await h.until(() => h.held() === 0);
  h.scaler.endpoints('web', [app.endpoint]);
  call.ok();
  expect((await ask(client, {})).body).toBe('ok');
  expect(app.seen).toEqual(['GET /']);
  await h.end({ 'client-gone': 3, forwarded: 1 });
});

test('a client that cancels or leaves in the middle: the upstream hears a reset, and half a body is never ended', async () => {
  const log: string[] = [];
  const app = await startHttp2App((stream, head) => {
    stream.on('data', () => log.push(`${head[':path']} data`));
    stream.on('aborted', () => log.push(`${head[':path']} aborted`));
    stream.on('close', () => log.push(`${head[':path']} ${stream.rstCode}`));
    stream.on('end', () => {
      if (!stream.aborted) log.push(`${head[':path']} ended`);
    });
    if (head[':path'] === '/down') stream.respond({ ':status': 200 });
  });
  const h = await startAwake([app]);
  const [one, two] = [connectHttp2(h.port), connectHttp2(h.port)];
  const up = open2(one, { ':method': 'POST', ':path': '/up' }, undefined);
  up.stream.write('half');
  await h.until(() => log.includes('/up data'));
  const down = open2(two, { ':method': 'POST', ':path': '/down' }, undefined);
  await once(down.stream, 'response');
  up.stream.close(constants.NGHTTP2_CANCEL);
  two.destroy();
  await h.until(() => log.length >= 5);
  expect(log.sort()).toEqual(['/down 8', '/down aborted', '/up 8', '/up aborted', '/up data']);
  await h.end({ 'client-gone': 2 });
});

test('an upstream that breaks off in the middle never looks like an end', async () => {
  const app = await startHttp2App((stream, head) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.write('half', () => {
      const how = head[':path']?.slice(1);
      if (how === 'session') stream.session?.destroy();
      else stream.close(Number(how));
    });
  });
  const h = await startAwake([app]);
  const client = connectHttp2(h.port);
  const codes = { '0': 2, '2': 2, '8': 2, '11': 11, session: 2 };
  for (const [how, wanted] of Object.entries(codes)) {
    const { status, body, whole, code } = await ask(client, { ':path': `/${how}` });
    expect([how, status, body, whole, code]).toEqual([how, 200, 'half', false, wanted]);
  }
  await h.end({ 'upstream-reset': 5 });
});

test('an upstream that breaks off before it answers: sent once more where that is harmless, else 502', async () => {
  let broken = 0;
  const app = await startHttp2App((stream, head) => {
    if (head[':path'] === '/once' && broken++ > 0) {
      stream.respond({ ':status': 200 });
      stream.end('at last');
    } else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  });
  const h = await startAwake([app]);
  const client = connectHttp2(h.port);
  expect((await ask(client, { ':path': '/once' })).body).toBe('at last');
  const { status, problem } = await ask(client, { ':method': 'POST' }, 'x');
  expect([status, problem.code]).toEqual([502, 'upstream-reset']);
  expect(problem.detail).toContain('NGHTTP2_INTERNAL_ERROR');
  await h.end({ forwarded: 1, 'upstream-reset': 1 });
});
