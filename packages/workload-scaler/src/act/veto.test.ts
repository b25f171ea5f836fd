import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServerImage } from '@scaler/testing-kit/kubernetes';
import { namespace, type Rig, startRig } from '../testing/rig.ts';

const ref = { namespace, name: 'web' };

/** Pods that answer as the test says. */
function gateImage(answer: RequestListener): ServerImage {
  return {
    async start({ podIP }) {
      const server = createServer(answer);
      await new Promise<void>((resolve) => server.listen(8080, podIP, resolve));
      return {
        stop: () =>
          new Promise((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      };
    },
  };
}

describe("another Service's veto", () => {
  const asked: string[] = [];
  /** Of the first pod; the other one lets it sleep. */
  let answer: RequestListener;
  let rig: Rig;
  let first: string;

  beforeAll(async () => {
    const gate = gateImage((incoming: IncomingMessage, response: ServerResponse) => {
      asked.push(`${incoming.headers.host}${incoming.url}`);
      if (incoming.socket.localAddress === first) answer(incoming, response);
      else response.writeHead(204).end();
    });
    rig = await startRig({ images: { gate }, options: { vetoTimeout: '300ms' } });
    await rig.workload('web', { 'scaler/routing': 'selector', 'scaler/veto': 'gate:80/may-sleep?who=scaler' });
    await rig.cluster.deployment(namespace, 'gate', { image: 'gate', port: 8080, replicas: 2 });
    await rig.cluster.service(namespace, 'gate', { port: 80, targetPort: 8080 });
    const backends = (): readonly string[] => rig.cluster.proxy.backends(namespace, 'gate', 80);
    await rig.until(() => backends().length === 2);
    first = backends()[0]?.split(':')[0] ?? '';
    await rig.waitForPeace('web');
  });
  afterAll(() => rig.close());

  test.each<[string, RequestListener, RegExp]>([
    ['409 with a reason', (_, response) => response.writeHead(409).end('3 jobs left\nmore'), /vetoes it: 3 jobs left$/],
    ['423 without one', (_, response) => response.writeHead(423).end(), /vetoes it: without a reason$/],
    ['no end of reasons', (_, response) => response.writeHead(409).write('x'.repeat(9_000)), /vetoes it: x{200}$/],
    [
      'a redirect',
      (_, response) => response.writeHead(302, { location: '/' }).end(),
      /unknown: the pod .* answered 302$/,
    ],
    ['an error', (_, response) => response.writeHead(500).end(), /unknown: the pod .* answered 500$/],
    [
      'another protocol',
      ({ socket }) => socket.write('HTTP/1.1 101 So\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
      /unknown: .*:8080: no answer$/,
    ],
    [
      'no chunk',
      ({ socket }) => socket.write('HTTP/1.1 409 So\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
      /vetoes it/,
    ],
    ['no status', ({ socket }) => socket.write('HTTP/1.1 000 So\r\ncontent-length: 0\r\n\r\n'), /answered 0$/],
    ['nothing', () => undefined, /unknown: no answer within 300 ms$/],
    ['a connection that breaks', (incoming) => incoming.socket.destroy(), /unknown: .*:8080: socket hang up$/],
  ])('keeps it awake, untouched, when one of its pods answers %s', async (_name, given, why) => {
    answer = given;
    const result = await rig.leader.park(ref);
    expect(result).toMatchObject({ ok: false, error: { code: 'park-refused', message: expect.stringMatching(why) } });
    expect(rig.routing('web')).toEqual({ key: undefined, slices: 0 });
  });

  test('lets it sleep when every pod answers 200 or 204: asked before anything, and right before the end', async () => {
    answer = (_incoming, response) => response.writeHead(200).end('yes');
    asked.length = 0;
    await rig.leader.putToSleep(ref);
    expect(asked).toEqual(Array(4).fill('gate.shop.svc/may-sleep?who=scaler'));
  });
});

describe('its own veto', () => {
  test('after the fence cancels the park, asked of the very pods that the Service hides by then', async () => {
    let fenced = false;
    const gate = gateImage((_incoming, response) => response.writeHead(fenced ? 423 : 200).end('busy now'));
    const rig = await startRig({ images: { gate } });
    try {
      await rig.cluster.deployment(namespace, 'web', {
        ...{ image: 'gate', port: 8080, labels: { 'scaler/enabled': 'true' } },
        annotations: { 'scaler/routing': 'selector', 'scaler/veto': 'web:80/' },
      });
      await rig.cluster.service(namespace, 'web', { port: 80, targetPort: 8080, portName: 'http' });
      await rig.waitForPeace('web');
      const result = await rig.leader.park(ref, { confirm: () => ((fenced = true), { ok: true }) });
      expect(result).toMatchObject({
        ok: false,
        error: { code: 'park-cancelled', message: expect.stringContaining('web:80/ vetoes it: busy now') },
      });
      expect(rig.dlx.arrivals.size).toBe(0);
    } finally {
      await rig.close();
    }
  });

  test('of a Service that is not there, or has no such port, is unknown', async () => {
    const rig = await startRig();
    try {
      await rig.workload('web', { 'scaler/routing': 'selector', 'scaler/veto': 'gate:80/' });
      await rig.waitForPeace('web');
      const why = async () => (await rig.leader.park(ref)) as { error?: Error };
      expect((await why()).error?.message).toMatch(/is unknown: there is no Service gate$/);
      const body = { metadata: { annotations: { 'scaler/veto': 'web:81/' } } };
      rig.cluster.api.store.patch('apps/v1/deployments', namespace, 'web', { type: 'merge', body });
      expect((await why()).error?.message).toMatch(/is unknown: the Service web has no TCP port 81$/);
    } finally {
      await rig.close();
    }
  });
});
