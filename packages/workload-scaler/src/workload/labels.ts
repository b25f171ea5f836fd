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
  if (!isPortLabel(label)) return labels[label];
  return portLabels.length > few ? indexOf(portLabels).get(label) : valueIn(portLabels, label);
}

/** A Service may have thousands of ports, and each is looked for at each look. */
const few = 8;
const indexes = new WeakMap<readonly PortLabel[], ReadonlyMap<string, string>>();

function indexOf(portLabels: readonly PortLabel[]): ReadonlyMap<string, string> {
  const known = indexes.get(portLabels);
  if (known !== undefined) return known;
  const index = new Map(portLabels.map(({ label, value }) => [label, value]));
  indexes.set(portLabels, index);
  return index;
}

function valueIn(portLabels: readonly PortLabel[], label: string): string | undefined {
  for (const one of portLabels) if (one.label === label) return one.value;
  return undefined;
}
