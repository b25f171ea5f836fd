import type { Labels, LabelSelector } from './objects.ts';

/** Whether `labels` have every pair of `wanted`. */
export function hasLabels(labels: Labels | undefined, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels?.[key] === value);
}

/** Whether a workload's selector matches; as for the API server, a selector without any term matches everything. */
export function matches(selector: LabelSelector, labels: Labels = {}): boolean {
  if (!hasLabels(labels, selector.matchLabels ?? {})) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        return false;
    }
  });
}
