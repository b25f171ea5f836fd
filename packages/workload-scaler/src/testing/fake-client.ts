import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FakeApi } from '@scaler/testing-kit/kubernetes';
import { connectKube, type KubeClient } from '@scaler/kube';
import { systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';

/** A client for a fake API. Close it. */
export async function clientOf(api: FakeApi): Promise<KubeClient> {
  const folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  try {
    const kubeconfig = join(folder, 'config');
    await writeFile(kubeconfig, api.kubeconfig());
    return await connectKube({ kubeconfig, userAgent: 'test', logger: silentLogger, clock: systemClock });
  } finally {
    await rm(folder, { recursive: true });
  }
}
