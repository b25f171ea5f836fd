import { kubectl } from '@scaler/chart';
import { productNamespace } from './install.ts';

/** What stands between a request and its answer when a sleeper is woken, in the order in which it happens. */
export const wakeSteps = ['call', 'scheduled', 'ready', 'first_byte'] as const;
export type WakeStep = (typeof wakeSteps)[number];

/** The DLX pods' names. */
export async function dlxPods(): Promise<string[]> {
  const selector = ['-l', 'app.kubernetes.io/component=dlx', '--field-selector=status.phase=Running'];
  const names = ['-o', 'jsonpath={.items[*].metadata.name}'];
  return (await kubectl(['-n', productNamespace, 'get', 'pods', ...selector, ...names])).split(' ').filter(Boolean);
}

/** `/metrics` of a pod of the product. */
export function metricsOf(pod: string): Promise<string> {
  return kubectl(['get', '--raw', `/api/v1/namespaces/${productNamespace}/pods/${pod}:8081/proxy/metrics`]);
}

/** The sum of one series over texts of metrics; `series` with its labels, as it is written there. */
export function total(texts: readonly string[], series: string): number {
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.startsWith(`${series} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(series.length + 1)), 0);
}

/** Seconds that the wakes so far took to come to each step, from the arrival of their first request, added up. */
export async function wakeSeconds(pods: readonly string[]): Promise<Record<WakeStep, number>> {
  const texts = await Promise.all(pods.map(metricsOf));
  const sum = (step: WakeStep): number => total(texts, `scaler_dlx_wake_phase_seconds_sum{phase="${step}"}`);
  return Object.fromEntries(wakeSteps.map((step) => [step, sum(step)])) as Record<WakeStep, number>;
}

/** How many requests each of them holds. */
export async function heldBy(pods: readonly string[]): Promise<number[]> {
  return (await Promise.all(pods.map(metricsOf))).map((text) => total([text], 'scaler_dlx_held'));
}
