/** Things that must have happened at least once, or the run proves nothing. */
const always = ['requests', 'parks', 'wakes', 'parks judged', 'served by a DLX'];

/** The same for a run of a thousand steps or more: every kind of fault. */
const inLongRuns = [
  'served by a pod',
  'parks cancelled',
  'zeros followed',
  'scaled by others',
  'watches cut',
  ...['error', 'conflict', 'busy', 'drop', 'lost', 'latency', 'late'].map((fault) => `fault ${fault}`),
  'every write late',
  ...['stale-watches', 'freeze-watches', 'restart-api', 'clock-jump', 'strip-key', 'edit-service', 'opt'].map(
    (step) => `step ${step}`,
  ),
  ...['truth', 'idle', 'busy', 'nan', 'gone', 'old', 'two'].map((mode) => `metric ${mode}`),
  ...['recreate-service', 'roll-out', 'proxy-lag', 'metrics-down'].map((step) => `step ${step}`),
  ...['autoscaler killed', 'dlx killed', 'killed at a write', 'leader frozen', 'two leaders for a moment'],
  ...['autoscaler drained', 'dlx drained'],
  ...['interleaved request', 'interleaved slow-request', 'interleaved scale', 'interleaved opt-out'],
  ...['interleaved pause', 'interleaved busy', 'busy leases taken', 'excused: nothing wakes it'],
  ...['awake', 'asleep', 'as-is', 'busy', 'busy-put', 'dry-run', 'none'].map((intent) => `intent ${intent}`),
  ...['yes', 'no', 'broken', 'silent'].map((answer) => `veto asked: ${answer}`),
];

/** The things that should have happened in a run of so many steps, and did not. */
export function missing(timesOf: (what: string) => number, steps: number): readonly string[] {
  return [...always, ...(steps >= 1_000 ? inLongRuns : [])].filter((what) => timesOf(what) === 0);
}
