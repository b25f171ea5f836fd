/** One metric of a scaler. The app shows it as `scaler_<name>`. */
export interface ScalerMetric {
  /** Lower-case letters, digits and `_`. The name of a counter, and of no gauge, ends in `_total`. */
  name: string;
  /** One sentence. */
  help: string;
  /** A counter only ever rises, from 0 when the process starts. */
  kind: 'gauge' | 'counter';
  /** One for each combination of label values that exists, at most 100, each with the same label names. */
  samples: readonly MetricSample[];
}

export interface MetricSample {
  value: number;
  /** Default: none. Values are bounded in number: never a resource's name. */
  labels?: Readonly<Record<string, string>>;
}
