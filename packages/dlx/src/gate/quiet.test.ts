import { expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import { startHarness } from '../testing/harness.ts';
import { startUpstream } from '../testing/upstream.ts';

const agents = ['kube-probe/1.36', 'Prometheus/3.5.0', 'GoogleHC/1.0', 'ELB-HealthChecker/2.0'];
const scrape = 503;

test.each([
  ['Envoy/HC', 200],
  ['GoogleStackdriverMonitoring-UptimeChecks(https://cloud.google.com/monitoring)', 200],
  ['Amazon-Route53-Health-Check-Service (ref 1; report http://amzn.to/1vsZADi)', 200],
  ['Consul Health Check', 200],
  ['Edge Health Probe', 200],
  ['Load Balancer Agent', 200],
  ['Azure Traffic Manager Endpoint Monitor', 200],
  ['Mozilla/5.0 (compatible; Cloudflare-Traffic-Manager/1.0; +https://www.cloudflare.com/traffic-manager/;)', 200],
  ['Mozilla/5.0 (compatible; Cloudflare-Healthchecks/1.0; +https://www.cloudflare.com/; healthcheck-id: 1)', 200],
  ['Mozilla/5.0 (compatible;Cloudflare-Healthchecks/1.0;+https://www.cloudflare.com/; healthcheck-id: 1)', 200],
  ['vm_promscrape', scrape],
  ['GrafanaAgent/v0.44.2 (flow; linux; docker)', scrape],
  ['Alloy/v1.11.0 (linux; docker)', scrape],
  ['Datadog Agent/7.70.0', scrape],
])('%s does not wake a sleeper, which is answered %i', async (agent, status) => {
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  expect((await h.send({ headers: { host: 'web', 'user-agent': agent } })).status).toBe(status);
  expect(h.scaler.calls).toHaveLength(0);
  await h.end({ 'not-woken': 1 });
});

test.each([
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Envoy',
  'curl/8.0',
  'Go-http-client/1.1',
])('%s does', async (agent) => {
  const h = await startHarness();
  h.scaler.set({ name: 'web' });
  const answer = h.send({ headers: { host: 'web', 'user-agent': agent } });
  await h.scaler.call(0);
  h.scaler.remove('web');
  await answer;
  await h.end({ 'no-route': 1 });
});

test('probes and scrapes every second for ten minutes never wake a sleeper; the next request does', async () => {
  const clock = createFakeClock();
  const app = await startUpstream();
  const h = await startHarness({ clock });
  h.scaler.set({ name: 'web' });
  h.scaler.endpoints('web', [app.endpoint]);
  for (let second = 0; second < 600; second++) {
    const agent = agents[second % agents.length] ?? '';
    const { status } = await h.send({ headers: { host: 'web', 'user-agent': agent } });
    expect(status).toBe(agent.startsWith('Prometheus') ? 503 : 200);
    await clock.advance(1000);
  }
  const gate = h.dlx.resources.gates.get('default/web');
  expect([h.scaler.calls.length, gate?.arrivals, gate?.lastArrivalMs, h.scaler.watched.size]).toEqual([
    0,
    0,
    undefined,
    0,
  ]);
  const answer = h.send({ headers: { host: 'web', 'user-agent': 'Mozilla/5.0' } });
  (await h.scaler.call(0)).ok();
  expect((await answer).status).toBe(200);
  await h.end({ 'not-woken': 600, forwarded: 1 });
});

test('awake, probes and scrapes are forwarded, but are no activity', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.endpoints('web', [app.endpoint]);
  h.scaler.set({ name: 'web', phase: 'awake' });
  for (const agent of agents) expect((await h.send({ headers: { host: 'web', 'user-agent': agent } })).body).toBe('ok');
  expect(h.dlx.resources.gates.get('default/web')?.arrivals).toBe(0);
  await h.end({ forwarded: 4 });
});

test('a quiet request does not wake what is fenced, stale or without endpoints, nor is it held', async () => {
  const h = await startHarness({ settings: { quietStatus: 204 } });
  const probe = { headers: { host: 'web', 'user-agent': 'kube-probe/1.36' } };
  h.scaler.set({ name: 'web', phase: 'awake' });
  expect((await h.send(probe)).status).toBe(204);
  h.scaler.stale = true;
  expect((await h.send(probe)).status).toBe(204);
  h.scaler.stale = false;
  h.dlx.resources.gates.get('default/web')?.raiseFence('e1');
  expect((await h.send(probe)).status).toBe(204);
  expect(h.scaler.calls).toHaveLength(0);
  await h.end({ 'not-woken': 3 });
});

test('a fence whose park is over is lifted for a quiet request, once the scaler has listed it as awake again', async () => {
  const app = await startUpstream();
  const h = await startHarness();
  h.scaler.endpoints('web', [app.endpoint]);
  const probe = { headers: { host: 'web', 'user-agent': 'Prometheus/3' } };
  h.scaler.set({ name: 'web', phase: 'parking' });
  h.dlx.resources.gates.get('default/web')?.raiseFence('e1');
  expect((await h.send(probe)).status).toBe(503);
  expect(h.scaler.calls).toHaveLength(0);
  h.scaler.set({ name: 'web', phase: 'awake' });
  expect((await h.send(probe)).status).toBe(503);
  expect((await h.send(probe)).status).toBe(503);
  (await h.scaler.call(0)).ok();
  await h.until(() => h.dlx.resources.gates.get('default/web')?.isOpen() === true);
  expect((await h.send(probe)).body).toBe('ok');
  expect(h.scaler.calls).toHaveLength(1);
  await h.end({ 'not-woken': 3, forwarded: 1 });
});

test.each([
  [{ path: '/healthz' }, '/healthz?x', {}, true],
  [{ path: '/healthz' }, '/healthz/x', {}, false],
  [{ path: '/health*' }, '/healthz/x', {}, true],
  [{ method: 'GET', path: '/', headers: { 'X-Robot': 'yes*' } }, '/', { 'x-robot': 'yes, I am' }, true],
  [{ headers: { 'x-robot': 'yes' } }, '/', { 'x-robot': 'no' }, false],
  [{ headers: { 'x-robot': 'yes' } }, '/', {}, false],
  [{ method: 'HEAD' }, '/', {}, false],
  [{ port: 80 }, '/', {}, true],
  [{ port: 81 }, '/', {}, false],
  [{}, '/', {}, false],
])('by the rule %j a request for %s with %j is quiet: %s', async (rule, path, headers, quiet) => {
  const h = await startHarness();
  h.scaler.set({ name: 'web', quietRules: [rule] });
  if (quiet) {
    expect((await h.send({ path, headers: { host: 'web', ...headers } })).status).toBe(200);
    await h.end({ 'not-woken': 1 });
    return;
  }
  const answer = h.send({ path, headers: { host: 'web', ...headers } });
  await h.scaler.call(0);
  h.scaler.remove('web');
  await answer;
  await h.end({ 'no-route': 1 });
});
