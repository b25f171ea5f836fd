import { until } from '@scaler/command';
import { atMost, type Finding, none, sum } from '../../../harness/report.ts';
import { heldBy, podsOf } from './apps.ts';
import type { Ground } from '../scenario.ts';
import { askOnce, createAsleep, ofEachMode } from './workloads.ts';

const heldEach = 10;

/** Requests that are held. */
export interface Held {
  /** The DLX pods that hold some. */
  readonly pods: readonly string[];
  /** Resolves when all have ended. */
  answered(): Promise<Finding[]>;
}

/** Ten requests for each of three slow sleepers; resolves when all are held. */
export async function hold(ground: Ground): Promise<Held> {
  const slow = ofEachMode(await ground.namespace(), 1, { env: { START_DELAY_MS: '6000' } });
  await createAsleep(ground, slow, 120_000);
  const asks = slow.flatMap((one) =>
    Array.from({ length: heldEach }, () => askOnce(ground, one, { protocol: 'post' })),
  );
  const pods = await podsOf('dlx');
  const held = await until('all to be held', 10_000, async () => {
    const each = await heldBy(pods);
    const inAll = sum(each, (count) => count);
    if (inAll >= asks.length) return each;
    throw new Error(`${inAll} are`);
  });
  ground.log(`held: ${held.join(' + ')}`);
  const answered = async (): Promise<Finding[]> => {
    const answers = await Promise.all(asks);
    const lost = answers.filter(({ ok }) => !ok);
    const slowest = Math.max(...answers.map(({ ms }) => ms));
    return [
      none(`lost of ${answers.length} POSTs of 1 MB that were held`, lost.length),
      atMost('the slowest of them', slowest, 60_000),
    ];
  };
  return { pods: pods.filter((_, i) => (held[i] ?? 0) > 0), answered };
}
