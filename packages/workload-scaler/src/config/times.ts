import { formatDuration } from '@scaler/scaler-types';
import type { SettingProblem } from './setting-problem.ts';

/** Annotation → the option that says how long its time may be at most. */
const maxima = {
  settle: 'maxSettle',
  'hold-timeout': 'maxHoldTimeout',
  'connect-timeout': 'maxConnectTimeout',
  'response-timeout': 'maxResponseTimeout',
  'idle-timeout': 'maxIdleTimeout',
  'idle-after': 'maxIdleAfter',
  cooldown: 'maxCooldown',
  'min-awake': 'maxMinAwake',
} as const;

type TimeSetting = keyof typeof maxima;
type TimeValues = { readonly [N in TimeSetting]?: number };

/** Of which 0 means as long as there may be. */
const endless: readonly TimeSetting[] = ['response-timeout', 'idle-timeout'];

export type MaxTimes = { readonly [N in (typeof maxima)[keyof typeof maxima] as `${N}Ms`]: number };

/** Cuts times to what an admin allows; returns those that it cut. The cut is told: none of it keeps a workload from sleeping or waking. */
export function cutTimes(
  values: TimeValues,
  options: MaxTimes,
): { readonly values: TimeValues; readonly problems: readonly SettingProblem[] } {
  const problems: SettingProblem[] = [];
  const cut: Partial<Record<TimeSetting, number>> = {};
  for (const [name, option] of Object.entries(maxima) as [TimeSetting, (typeof maxima)[TimeSetting]][]) {
    const ms = values[name];
    const most = options[`${option}Ms`];
    if (ms === undefined) continue;
    if (ms === 0 && endless.includes(name)) cut[name] = most;
    if (ms <= most) continue;
    cut[name] = most;
    const annotation = `scaler/${name}`;
    const message = `${annotation} is longer than ${formatDuration(most)}, which the option ${option} allows at most: it is cut to that`;
    problems.push({ annotation, message, fatal: false });
  }
  return { values: cut, problems };
}
