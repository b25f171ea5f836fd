import {
  type Endpoint,
  type Explanation,
  type ProposedConfig,
  resourceKey,
  type ResourceRef,
  type ScaleResult,
} from '@scaler/scaler-types';
import { shown } from './complaints.ts';
import { isRef } from './told-resource.ts';
import { toldError } from './told-error.ts';

/** What a scaler tells at the most. */
const most = { endpoints: 10_000, results: 100_000, settings: 1000, reason: 200, text: 2000 };

type Tell = (problem: string) => void;
type Fields = Readonly<Record<string, unknown>>;

/** Those that are endpoints; of the others the first is told. */
export function readEndpoints(value: unknown, tell: Tell): readonly Endpoint[] {
  if (!Array.isArray(value)) {
    tell(`told ${shown(value)}, allowed is a list of endpoints`);
    return [];
  }
  if (value.length > most.endpoints) tell(`told ${value.length} endpoints, ${most.endpoints} are taken`);
  const read: Endpoint[] = [];
  let wrong: string | undefined;
  for (const one of value.slice(0, most.endpoints) as unknown[]) {
    const endpoint = readEndpoint(one);
    if (typeof endpoint === 'string') wrong ??= endpoint;
    else read.push(endpoint);
  }
  if (wrong !== undefined) tell(wrong);
  return read;
}

function readEndpoint(value: unknown): Endpoint | string {
  try {
    const { address, port, id, check } = (value ?? {}) as Fields;
    if (typeof address !== 'string' || !/^[\w.:%-]{1,253}$/.test(address))
      return `told an endpoint whose address is ${shown(address)}, allowed is an IP address`;
    if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535)
      return `told an endpoint whose port is ${shown(port)}, allowed is a whole number from 1 to 65535`;
    if (typeof id !== 'string' || id.length > 253)
      return `told an endpoint whose id is ${shown(id)}, allowed is a text of at most 253 characters`;
    if (check !== undefined && typeof check !== 'function')
      return `told an endpoint whose check is ${shown(check)}, allowed is a function, or none`;
    if (check === undefined) return { address, port: port as number, id };
    const own = check as NonNullable<Endpoint['check']>;
    return { address, port: port as number, id, check: async (signal) => own.call(value as Endpoint, signal) };
  } catch {
    return 'told an endpoint that cannot be read';
  }
}

/** @throws what is wrong with it, a clause. */
export function readExplanation(value: unknown): Explanation | undefined {
  if (value === undefined || value === null) return undefined;
  const { hopeless, reason, text } = value as Fields;
  if (typeof reason !== 'string' || typeof text !== 'string' || typeof hopeless !== 'boolean')
    throw new Error(`told ${shown(value)}, allowed is {hopeless, reason, text} or nothing`);
  return { hopeless, reason: reason.slice(0, most.reason), text: text.slice(0, most.text) };
}

/**
 * One result for each of the resources, in order.
 *
 * @throws what is wrong with them all, a clause.
 */
export function readScaleResults(value: unknown, refs: readonly ResourceRef[], threw: string): readonly ScaleResult[] {
  if (!Array.isArray(value)) throw new Error(`told ${shown(value)}, allowed is a list of results`);
  if (value.length !== refs.length) throw new Error(`told ${value.length} results of ${refs.length} resources`);
  const results = (value as unknown[]).map(fieldsOf);
  const byKey = new Map(
    results.flatMap((one) => (isRef(one['resource']) ? [[resourceKey(one['resource']), one]] : [])),
  );
  return refs.map(({ namespace, name }, i) => {
    const resource = { namespace, name };
    const inPlace = isRef(results[i]?.['resource']) ? undefined : results[i];
    const { ok, error } = byKey.get(resourceKey(resource)) ?? inPlace ?? { error: new Error(`${threw} no result`) };
    if (ok === true) return { resource, ok };
    const wrong = error === undefined || error === null ? new Error(`${threw} no reason`) : toldError(error, threw);
    return { resource, ok: false, error: wrong };
  });
}

/** Those that are results, of whatever resources there are. @throws as {@link readScaleResults}. */
export function readAnyResults(value: unknown, threw: string): readonly ScaleResult[] {
  if (!Array.isArray(value)) throw new Error(`told ${shown(value)}, allowed is a list of results`);
  return (value.slice(0, most.results) as unknown[]).flatMap((one) => {
    const { resource } = fieldsOf(one);
    return isRef(resource) ? readScaleResults([one], [resource], threw) : [];
  });
}

/** @throws what is wrong with it, a clause. */
export function readConfig(value: unknown): ProposedConfig {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new Error(`told ${shown(value)}, allowed are settings by name`);
  const settings = Object.entries(value as Fields);
  if (settings.length > most.settings)
    throw new Error(`told ${settings.length} settings, allowed are ${most.settings}`);
  const wrong = settings.find(([, one]) => !['string', 'number', 'boolean'].includes(typeof one));
  if (wrong)
    throw new Error(`told ${shown(wrong[1])} for ${wrong[0].slice(0, 80)}, allowed is a text, a number, true or false`);
  return Object.fromEntries(settings) as ProposedConfig;
}

function fieldsOf(value: unknown): Fields {
  try {
    // Read once, so that a getter that throws does it here.
    return typeof value === 'object' && value !== null ? { ...(value as Fields) } : {};
  } catch {
    return {};
  }
}
