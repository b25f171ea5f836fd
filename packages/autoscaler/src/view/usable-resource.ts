/** What is wrong with something that a scaler told of as a resource; undefined: nothing that would mislead a decision. */
export function whyNotAResource(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return `${String(value)} is no object`;
  const { namespace, name, scaleResources, targets } = value as Record<string, unknown>;
  if (typeof namespace !== 'string' || typeof name !== 'string' || name === '') {
    return `namespace ${String(namespace)} and name ${String(name)} must be texts`;
  }
  for (const [field, list] of Object.entries({ scaleResources, targets })) {
    if (!Array.isArray(list)) return `${field} of ${namespace}/${name} must be a list`;
  }
  return undefined;
}
