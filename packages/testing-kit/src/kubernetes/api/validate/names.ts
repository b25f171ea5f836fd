import { type FieldError, invalidValue } from '../errors.ts';

/** The form of a name or a value. */
export type Format = { readonly pattern: RegExp; readonly most: number; readonly why: string };

export const subdomain: Format = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  most: 253,
  why: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
};
export const label: Format = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  most: 63,
  why: "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
};
export const serviceName: Format = {
  pattern: /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
  most: 63,
  why: "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
};
const qualifiedName: Format = {
  pattern: /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/,
  most: 63,
  why: "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
};
const labelValue: Format = {
  pattern: /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/,
  most: 63,
  why: "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
};

export function check(field: string, value: unknown, { pattern, most, why }: Format): FieldError[] {
  if (typeof value !== 'string') return [invalidValue(field, value, 'must be a string')];
  if (value.length > most) return [invalidValue(field, value, `must be no more than ${most} characters`)];
  return pattern.test(value) ? [] : [invalidValue(field, value, why)];
}

/** `name` or `prefix/name`, as keys of labels and annotations and names of finalizers are. */
export function checkQualifiedName(field: string, value: string): FieldError[] {
  const slash = value.lastIndexOf('/');
  const name = value.slice(slash + 1);
  const prefix = slash === -1 ? undefined : value.slice(0, slash);
  if (prefix?.includes('/') === true)
    return [
      invalidValue(field, value, 'a qualified name must consist of a name with an optional DNS subdomain prefix'),
    ];
  const wrong = check(field, name, qualifiedName);
  // Most are right, and of annotations there may be thousands.
  if (wrong.length === 0 && (prefix === undefined || check(field, prefix, subdomain).length === 0)) return wrong;
  const errors = wrong.map(() =>
    invalidValue(field, value, name.length > 63 ? 'name part must be no more than 63 characters' : qualifiedName.why),
  );
  if (prefix === undefined) return errors;
  return [
    ...errors,
    ...check(field, prefix, subdomain).map(() => invalidValue(field, value, `prefix part ${subdomain.why}`)),
  ];
}

/** A map of labels: keys and values. */
export function checkLabels(field: string, labels: unknown): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...checkQualifiedName(field, key),
    ...check(field, value, labelValue),
  ]);
}
