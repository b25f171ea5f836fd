import { type FieldError, duplicateValue, invalidValue, requiredValue, unsupportedValue } from '../errors.ts';
import { type JsonObject, type KubeObject, objectsIn } from '../object.ts';
import { check, checkLabels, label } from './names.ts';

/** A port number of 1 to 65535. */
export function checkPort(field: string, port: unknown): FieldError[] {
  const ok = Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535;
  return ok ? [] : [invalidValue(field, port ?? 0, 'must be between 1 and 65535, inclusive')];
}

/** A port's name and protocol. */
export function checkPortNames({ name, protocol }: JsonObject, at: string): FieldError[] {
  const known = ['TCP', 'UDP', 'SCTP'].includes(protocol as string);
  return [
    ...((name ?? '') === '' ? [] : check(`${at}.name`, name, label)),
    ...(known ? [] : [unsupportedValue(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'])]),
  ];
}

function checkServicePort(port: JsonObject, at: string, several: boolean): FieldError[] {
  const { name, targetPort } = port;
  return [
    ...(several && (name ?? '') === '' ? [requiredValue(`${at}.name`)] : []),
    ...checkPortNames(port, at),
    ...checkPort(`${at}.port`, port.port),
    ...(typeof targetPort === 'string'
      ? check(`${at}.targetPort`, targetPort, label)
      : checkPort(`${at}.targetPort`, targetPort)),
  ];
}

function checkUnique(ports: readonly JsonObject[]): FieldError[] {
  const known = new Set<string>();
  const isAgain = (key: string): boolean => {
    const before = known.size;
    return known.add(key).size === before;
  };
  return ports.flatMap((port, i) => {
    const { name, protocol } = port;
    const sameName = (name ?? '') !== '' && isAgain(`name ${String(name)}`);
    const samePort = isAgain(`port ${String(protocol)} ${String(port.port)}`);
    return [
      ...(sameName ? [duplicateValue(`spec.ports[${i}].name`, name)] : []),
      ...(samePort ? [duplicateValue(`spec.ports[${i}]`, port)] : []),
    ];
  });
}

/** The problems of a Service. */
export function checkService({ spec }: KubeObject): FieldError[] {
  if (spec === undefined) return [requiredValue('spec.ports')];
  const ports = objectsIn(spec.ports);
  const portless = spec.type === 'ExternalName' || spec.clusterIP === 'None';
  return [
    ...(ports.length === 0 && !portless ? [requiredValue('spec.ports')] : []),
    ...ports.flatMap((port, i) => checkServicePort(port, `spec.ports[${i}]`, ports.length > 1)),
    ...checkLabels('spec.selector', spec.selector),
    ...checkUnique(ports),
    ...(spec.type === 'ExternalName' && typeof spec.externalName !== 'string'
      ? [requiredValue('spec.externalName')]
      : []),
  ];
}

/** Immutable fields of a Service that changed: its address, as long as it has one. */
export function checkServiceChange({ spec }: KubeObject, old: KubeObject): FieldError[] {
  const before = old.spec?.clusterIP;
  if (before === undefined || spec?.type === 'ExternalName' || spec?.clusterIP === before) return [];
  return [invalidValue('spec.clusterIPs[0]', [spec?.clusterIP ?? ''], 'may not change once set')];
}
