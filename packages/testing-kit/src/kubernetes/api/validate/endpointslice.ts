import { isIPv4, isIPv6 } from 'node:net';
import { duplicateValue, type FieldError, invalidValue, requiredValue, tooMany, unsupportedValue } from '../errors.ts';
import { type JsonObject, type KubeObject, objectsIn } from '../object.ts';
import { check, subdomain } from './names.ts';
import { checkPort, checkPortNames } from './service.ts';

const maxEndpoints = 1000;
const maxPorts = 100;
const maxAddresses = 100;
const addressTypes = ['IPv4', 'IPv6', 'FQDN'];

function checkAddress(field: string, address: unknown, addressType: unknown): FieldError[] {
  if (addressType === 'FQDN') return check(field, address, subdomain);
  const ok = typeof address === 'string' && (addressType === 'IPv6' ? isIPv6(address) : isIPv4(address));
  return ok ? [] : [invalidValue(field, address, `must be a valid ${String(addressType)} address`)];
}

function checkEndpoint({ addresses }: JsonObject, at: string, addressType: unknown): FieldError[] {
  const list = Array.isArray(addresses) ? addresses : [];
  if (list.length === 0) return [requiredValue(`${at}.addresses`, 'must contain at least 1 address')];
  if (list.length > maxAddresses) return [tooMany(`${at}.addresses`, list.length, maxAddresses)];
  return list.flatMap((address, i) => checkAddress(`${at}.addresses[${i}]`, address, addressType));
}

function checkPorts(ports: readonly JsonObject[]): FieldError[] {
  const names = ports.map(({ name }) => name ?? '');
  return ports.flatMap((port, i) => [
    ...checkPortNames(port, `ports[${i}]`),
    ...(names.indexOf(names[i]!) < i ? [duplicateValue(`ports[${i}].name`, names[i])] : []),
    ...((port.port ?? null) === null ? [] : checkPort(`ports[${i}].port`, port.port)),
  ]);
}

/** The problems of an EndpointSlice. Loopback addresses may pass, since simulated pods have them. */
export function checkEndpointSlice(slice: KubeObject): FieldError[] {
  const { addressType } = slice;
  if (addressType === undefined || addressType === '') return [requiredValue('addressType')];
  if (!addressTypes.includes(addressType as string))
    return [unsupportedValue('addressType', addressType, addressTypes)];
  const endpoints = objectsIn(slice.endpoints);
  const ports = objectsIn(slice.ports);
  return [
    ...(endpoints.length > maxEndpoints ? [tooMany('endpoints', endpoints.length, maxEndpoints)] : []),
    ...endpoints
      .slice(0, maxEndpoints)
      .flatMap((endpoint, i) => checkEndpoint(endpoint, `endpoints[${i}]`, addressType)),
    ...(ports.length > maxPorts ? [tooMany('ports', ports.length, maxPorts)] : checkPorts(ports)),
  ];
}

/** Immutable fields of an EndpointSlice that changed. */
export function checkEndpointSliceChange({ addressType }: KubeObject, old: KubeObject): FieldError[] {
  return addressType === old.addressType ? [] : [invalidValue('addressType', addressType, 'field is immutable')];
}
