import { rangeText, valueText } from './figure.ts';
import type { Result } from './results.ts';

/** A row of the sizing table: the text for the operator, and the scenario and the figure that show it. */
const shown: readonly (readonly [what: string, scenario: string, figure: string])[] = [
  ['autoscaler: start → ready', 'start', 'autoscaler: start → ready'],
  ['autoscaler: memory at rest', 'start', 'autoscaler: memory at rest'],
  ['DLX: start → ready', 'start', 'dlx: start → ready'],
  ['DLX: memory at rest', 'start', 'dlx: memory at rest'],
  ['DLX: 10,000 sleepers: memory on top', 'sleepers', 'default scaler: memory above none, for 10,000'],
  ['DLX: 10,000 sleepers: processor, without traffic', 'sleepers', 'default scaler: processor, without traffic'],
  ['DLX: 10,000 sleepers: start → ready', 'sleepers', 'default scaler: start → ready'],
  ['a request that is held', 'held', 'memory of each held'],
  ['a request that is held, with a body', 'held-bodies', 'memory of each held'],
  ['DLX: most memory with 10,000 held', 'held', 'peak memory of the DLX'],
  ['DLX: most memory with 10,000 held, with bodies', 'held-bodies', 'peak memory of the DLX'],
  ['the rate at which held ones are let go', 'held', 'drain rate'],
  [
    'a hundred sleepers woken at once: request → replicas raised, p95',
    'wake-100',
    'default scaler: request → replicas raised, p95 of 100',
  ],
  ['requests forwarded in a second, small ones, by one replica', 'small', 'DLX: requests per second'],
  ['the same, to nginx with one worker', 'small', 'rate, to nginx'],
  ['added to the median latency', 'latency', 'DLX: added to p50'],
  ['added to the 99th percentile', 'latency', 'DLX: added to p99'],
];

/** The rows of the table, its head first. A row whose figure no kept result has is left out. */
export function sizingRows(results: readonly Result[]): string[][] {
  const rows = shown.flatMap(([what, scenario, name]) => {
    const figure = results
      .find((result) => result.scenario === scenario)
      ?.figures.find((candidate) => candidate.name === name);
    return figure === undefined ? [] : [[what, valueText(figure), rangeText(figure), `\`${scenario}\``]];
  });
  return [['what', 'measured', 'range', 'scenario'], ...rows];
}
