import { expect, test } from '@jest/globals';
import { startEmbeddedSystem } from '@scaler/demo';
import { type Answer, ask } from '../../../harness/requests.ts';
import { createProbedImage } from './probed-image.ts';

test('backend ready as TCP but 503 on HTTP for 2 s, with a readiness path: the client sees 200 only', async () => {
  const image = createProbedImage(2000);
  const system = await startEmbeddedSystem({ images: { app: image } });
  try {
    await system.deployment('default', 'web', {
      image: 'app',
      replicas: 0,
      port: 8080,
      labels: { 'scaler/enabled': 'true' },
      annotations: { 'scaler/routing': 'always', 'scaler/idle-after': '1h' },
      readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 },
    });
    await system.service('default', 'web', { port: 80, targetPort: 8080, portName: 'http' });
    await system.waitFor(() => system.proxy.backends('default', 'web', 80).length > 0, { timeoutMs: 15_000 });
    const url = system.serviceUrl('default', 'web', 80);
    const answers: Promise<Answer>[] = Array.from({ length: 20 }, () => ask(url, { timeoutMs: 15_000 }));
    expect((await Promise.all(answers)).map(({ text }) => text)).toEqual(Array(20).fill('200'));
    const [instance] = [...image.instances.values()];
    const readyAtMs = instance?.readyAtMs ?? Number.NaN;
    // It listened, and was probed, long before: by the scaler, and less often by its kubelet.
    expect(instance?.probesMs.length).toBeGreaterThan(5);
    const arrivedMs = [...(instance?.requestsMs.values() ?? [])];
    expect(arrivedMs).toHaveLength(20);
    expect(Math.min(...arrivedMs)).toBeGreaterThanOrEqual(readyAtMs);
    expect(Math.max(...arrivedMs)).toBeLessThan(readyAtMs + 1000);
  } finally {
    await system.close();
  }
});
