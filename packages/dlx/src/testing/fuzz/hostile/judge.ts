/** Value of a series in the text of `/metrics`, by its whole name; 0 where it is not there. */
export function valueOf(metrics: string, series: string): number {
  const line = metrics.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

const gauges = ['held', 'held_bytes', 'pipelined', 'in_flight', 'open_streams'];

/** Lists what does not add up, once all conversations are over. */
export function unsettled(metrics: string): string[] {
  const ended = [...metrics.matchAll(/^scaler_dlx_requests_total\{outcome="[^"]+"\} (\d+)$/gm)];
  const sum = ended.reduce((total, [, count]) => total + Number(count), 0);
  const accepted = valueOf(metrics, 'scaler_dlx_accepted_total');
  const wrong = sum === accepted ? [] : [`${accepted} were accepted, ${sum} ended`];
  for (const gauge of gauges) {
    const value = valueOf(metrics, `scaler_dlx_${gauge}`);
    if (value !== 0) wrong.push(`scaler_dlx_${gauge} is ${value}`);
  }
  return wrong;
}

/** Outcome → how many ended so. */
export function outcomesIn(metrics: string): Record<string, number> {
  const series = metrics.matchAll(/^scaler_dlx_requests_total\{outcome="([^"]+)"\} (\d+)$/gm);
  return Object.fromEntries([...series].map(([, outcome, count]) => [outcome ?? '', Number(count)]));
}
