import { keys } from './keys.ts';
import { jsonPatch, type PatchOperation } from '@scaler/kube';

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

interface LabelledObject extends Labels {
  readonly uid: string;
}

const labelPath = (label: string): string => jsonPatch.pointer('metadata', 'labels', label);

/**
 * Operations that set or, with null, remove labels of a workload if they are still as read, on this very object.
 * A test for null holds where the label is absent (the parent must be there, and always is: a managed workload has a
 * label); tried on Kubernetes 1.35.
 */
export function labelPatch(
  workload: LabelledObject,
  labels: Readonly<Record<string, string | null>>,
): readonly PatchOperation[] {
  const tests = Object.keys(labels).map((label) => testLabel(workload, label));
  const writes = Object.entries(labels).flatMap(([label, value]): PatchOperation[] => {
    if (value !== null) return [jsonPatch.add(labelPath(label), value)];
    return labelValue(workload, label) === undefined ? [] : [jsonPatch.remove(labelPath(label))];
  });
  return [jsonPatch.test('/metadata/uid', workload.uid), ...parents(workload), ...tests, ...writes];
}

function parents({ labels, portLabels }: Labels): readonly PatchOperation[] {
  if (Object.keys(labels).length + portLabels.length > 0) return [];
  return [jsonPatch.testAbsent('/metadata/labels'), jsonPatch.add('/metadata/labels', {})];
}

function testLabel(workload: Labels, label: string): PatchOperation {
  const value = labelValue(workload, label);
  return value === undefined ? jsonPatch.testAbsent(labelPath(label)) : jsonPatch.test(labelPath(label), value);
}

/** Whether labels have all that a selector names. An empty selector, as one that is not known, selects none. */
export function matches(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** A selector as the API takes it: `app=web,tier=front`. */
export function selectorText(selector: Readonly<Record<string, string>>): string {
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join();
}
