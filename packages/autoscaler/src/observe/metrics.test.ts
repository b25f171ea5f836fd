import { expect, test } from '@jest/globals';
import { createMetrics } from '@scaler/runtime';
import type { TickResult } from '../tick.ts';
import { aResource } from '../testing/facts.ts';
import { createObserver } from './metrics.ts';

test('the values of a tick are shown while this replica acts, and not after it lost the Lease', async () => {
  const metrics = createMetrics();
  const observer = createObserver(metrics);
  const reports = [{ source: 'prometheus', failures: ['503'] }];
  const result: TickResult = { resources: [aResource()], decisions: [], reports, braked: true, heldBack: 2 };
  const gauges = async () =>
    (await metrics.text())
      .split('\n')
      .filter(
        (line) =>
          /^scaler_autoscaler_(source|resources|brake|idle|lease)/.test(line) && !/"(park|wak|asl|unk)/.test(line),
      );
  const shown = [
    'scaler_autoscaler_source_up{source="prometheus"} 0',
    'scaler_autoscaler_resources{phase="awake"} 1',
    'scaler_autoscaler_idleness_unknown 3',
    'scaler_autoscaler_brake_on 1',
    'scaler_autoscaler_brake_held_back 2',
    'scaler_autoscaler_lease_held 1',
  ];
  for (let terms = 0; terms < 2; terms++) {
    observer.leading(true);
    observer.ticked(result, 5, 3);
    expect(await gauges()).toEqual(shown);
    observer.leading(false);
    expect(await gauges()).toEqual(['scaler_autoscaler_lease_held 0']);
  }
});
