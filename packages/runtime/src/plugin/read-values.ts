import {
  type Endpoint,
  type Explanation,
  type ProposedConfig,
  resourceKey,
  type ResourceRef,
  type ScaleResult,
} from '@scaler/scaler-types';
import { shown } from './problem-log.ts';
import { isRef } from './read-resource.ts';
import { scalerError } from './scaler-error.ts';

/** Bounds of what a scaler may return. */
const most = { endpoints: 10_000, results: 100_000, settings: 1000, reason: 200, text: 2000 };

type OnProblem = (problem: string) => void;
type Fields = Readonly<Record<string, unknown>>;

/** The valid endpoints of a list; of the invalid ones the first is reported. */
export function readEndpoints(value: unknown, onProblem: OnProblem): readonly Endpoint[] {
  if (!Array.isArray(value)) {
    onProblem(`sent ${shown(value)}, allowed is a list of endpoints`);
    return [];
  }
  if (value.length > most.endpoints) onProblem(`sent ${value.length} endpoints, the first ${most.endpoints} are taken`);
  const read: Endpoint[] = [];
  let wrong: string | undefined;
  for (const one of value.slice(0, most.endpoints) as unknown[]) {
    const endpoint = readEndpoint(one);
    if (typeof endpoint === 'string') wrong ??= endpoint;
    else read.push(endpoint);
  }
  if (wrong !== undefined) onProblem(wrong);
  return read;
}

function readEndpoint(value: unknown): Endpoint | string {
  try {
    const { address, port, id, check } = (value ?? {}) as Fields;
    if (typeof address !== 'string' || !/^[\w.:%-]{1,253}$/.test(address))
      return `sent an endpoint whose address is ${shown(address)}, allowed is an IP address`;
    if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535)
      return `sent an endpoint whose port is ${shown(port)}, allowed is a whole number from 1 to 65535`;
    if (typeof id !== 'string' || id.length > 253)
      return `sent an endpoint whose id is ${shown(id)}, allowed is a text of at most 253 characters`;
    if (check !== undefined && typeof check !== 'function')
      return `sent an endpoint whose check is ${shown(check)}, allowed is a function, or none`;
    if (check === undefined) return { address, port: port as number, id };
    const own = check as NonNullable<Endpoint['check']>;
    return { address, port: port as number, id, check: async (signal) => own.call(value as Endpoint, signal) };
  } catch {
    return 'sent an endpoint that cannot be read';
  }
}

/** @throws Error whose message says what is wrong with it, a clause. */
export function readExplanation(value: unknown): Explanation | undefined {
  if (value === undefined || value === null) return undefined;
  const { hopeless, reason, text } = value as Fields;
  if (typeof reason !== 'string' || typeof text !== 'string' || typeof hopeless !== 'boolean')
    throw new Error(`returned ${shown(value)}, allowed is {hopeless, reason, text} or nothing`);
  return { hopeless, reason: reason.slice(0, most.reason), text: text.slice(0, most.text) };
}

/**
 * One result for each of the resources, in order.
 *
 * @throws Error whose message says what is wrong with the list, a clause.
 */
export function readScaleResults(value: unknown, refs: readonly ResourceRef[], threw: string): readonly ScaleResult[] {
  if (!Array.isArray(value)) throw new Error(`returned ${shown(value)}, allowed is a list of results`);
  if (value.length !== refs.length) throw new Error(`returned ${value.length} results of ${refs.length} resources`);
  const results = (value as unknown[]).map(fieldsOf);
  const byKey = new Map(
    results.flatMap((one) => (isRef(one['resource']) ? [[resourceKey(one['resource']), one]] : [])),
  );
  return refs.map(({ namespace, name }, i) => {
    const resource = { namespace, name };
    const inPlace = isRef(results[i]?.['resource']) ? undefined : results[i];
    const { ok, error } = byKey.get(resourceKey(resource)) ?? inPlace ?? { error: new Error(`${threw} no result`) };
    if (ok === true) return { resource, ok };
    const wrong = error === undefined || error === null ? new Error(`${threw} no reason`) : scalerError(error, threw);
    return { resource, ok: false, error: wrong };
  });
}

/** The items of a list that are results, of any resource. @throws as {@link readScaleResults}. */
export function readAnyResults(value: unknown, threw: string): readonly ScaleResult[] {
  if (!Array.isArray(value)) throw new Error(`returned ${shown(value)}, allowed is a list of results`);
  return (value.slice(0, most.results) as unknown[]).flatMap((one) => {
    const { resource, againMs } = fieldsOf(one);
    if (!isRef(resource)) return [];
    const again = typeof againMs === 'number' && againMs >= 0 ? { againMs } : {};
    return readScaleResults([one], [resource], threw).map((result) => (result.ok ? { ...result, ...again } : result));
  });
}

/** @throws Error whose message says what is wrong with it, a clause. */
export function readConfig(value: unknown): ProposedConfig {
  if (value === undefined || value === null) return {};
  const allowed = 'allowed are settings by app: { autoscaler: {…}, dlx: {…} }';
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error(`returned ${shown(value)}, ${allowed}`);
  const { autoscaler, dlx, ...others } = value as Fields;
  const [other] = Object.keys(others);
  if (other !== undefined) throw new Error(`proposes ${other.slice(0, 80)} to no app, ${allowed}`);
  return { autoscaler: readProposal('autoscaler', autoscaler), dlx: readProposal('dlx', dlx) };
}

function readProposal(app: string, value: unknown): Record<string, string | number | boolean> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new Error(`returned ${shown(value)} for ${app}, allowed are settings by name`);
  const settings = Object.entries(value).filter(([, one]) => one !== undefined);
  if (settings.length > most.settings)
    throw new Error(`returned ${settings.length} settings for ${app}, allowed are ${most.settings}`);
  const wrong = settings.find(([, one]) => !['string', 'number', 'boolean'].includes(typeof one));
  if (wrong)
    throw new Error(
      `returned ${shown(wrong[1])} for ${app}.${wrong[0].slice(0, 80)}, allowed is a text, a number, true or false`,
    );
  return Object.fromEntries(settings) as Record<string, string | number | boolean>;
}

function fieldsOf(value: unknown): Fields {
  try {
    // Each field is read once, so that a getter that throws throws here.
    return typeof value === 'object' && value !== null ? { ...(value as Fields) } : {};
  } catch {
    return {};
  }
}
