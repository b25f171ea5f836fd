import { keys } from './keys.ts';

/** A label that keeps one of the DLX's ports, see `portLabel`. */
export interface PortLabel {
  readonly label: string;
  readonly value: string;
}

/** A workload's labels. Those of ports are apart: they have names of their own in each workload, and a record would be a shape of its own. */
export interface Labels {
  /** All but those of ports. */
  readonly labels: Readonly<Record<string, string>>;
  readonly portLabels: readonly PortLabel[];
}

/** Whether a label is one that `portLabel` makes. */
export function isPortLabel(label: string): boolean {
  return label.startsWith(`${keys.prefix}port-`);
}

export function toLabels(all: Readonly<Record<string, string>> = {}): Labels {
  const labels: Record<string, string> = {};
  const portLabels: PortLabel[] = [];
  for (const [label, value] of Object.entries(all)) {
    if (isPortLabel(label)) portLabels.push({ label, value });
    else labels[label] = value;
  }
  return { labels, portLabels };
}

/** The value of any label; undefined where it is absent. */
export function labelValue({ labels, portLabels }: Labels, label: string): string | undefined {
  return isPortLabel(label) ? portLabels.find((one) => one.label === label)?.value : labels[label];
}
