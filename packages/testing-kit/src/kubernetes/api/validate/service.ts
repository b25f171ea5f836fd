import { type FieldError, duplicateValue, invalidValue, requiredValue, unsupportedValue } from '../errors.ts';
import { isObject, type Json, type JsonObject, type KubeObject } from '../object.ts';
import { checkLabelName, checkLabels } from './names.ts';

/** A port number of 1 to 65535. */
export function checkPort(field: string, port: unknown): FieldError[] {
  const ok = Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535;
  return ok ? [] : [invalidValue(field, port ?? 0, 'must be between 1 and 65535, inclusive')];
}

function checkServicePort(port: JsonObject, at: string, several: boolean): FieldError[] {
  const { name, protocol, targetPort } = port;
  return [
    ...(name === undefined || name === ''
      ? several
        ? [requiredValue(`${at}.name`)]
        : []
      : checkLabelName(`${at}.name`, name)),
    ...checkPort(`${at}.port`, port.port),
    ...(['TCP', 'UDP', 'SCTP'].includes(protocol as string)
      ? []
      : [unsupportedValue(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'])]),
    ...(typeof targetPort === 'string'
      ? checkLabelName(`${at}.targetPort`, targetPort)
      : checkPort(`${at}.targetPort`, targetPort)),
  ];
}

function checkUnique(ports: readonly JsonObject[]): FieldError[] {
  const names = new Set<Json | undefined>();
  const numbers = new Set<string>();
  return ports.flatMap((port, i) => {
    const number = `${String(port.protocol)} ${String(port.port)}`;
    const sameName = port.name !== undefined && port.name !== '' && names.has(port.name);
    const samePort = numbers.has(number);
    names.add(port.name);
    numbers.add(number);
    return [
      ...(sameName ? [duplicateValue(`spec.ports[${i}].name`, port.name)] : []),
      ...(samePort ? [duplicateValue(`spec.ports[${i}]`, port)] : []),
    ];
  });
}

/** The problems of a Service. */
export function checkService({ spec }: KubeObject): FieldError[] {
  if (spec === undefined) return [requiredValue('spec.ports')];
  const ports = (Array.isArray(spec.ports) ? spec.ports : []).filter((port: Json) => isObject(port));
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
