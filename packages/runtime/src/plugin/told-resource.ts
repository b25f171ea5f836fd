import { parseResource, type Resource, type ResourceRef } from '@scaler/scaler-types';
import { shown } from './complaints.ts';

/** What is told of one resource at the most; the rest of a longer list is left out. */
export const most = { targets: 1000, routes: 2000, scaleResources: 100, quietRules: 1000, pairs: 100, text: 4096 };

const lists = ['targets', 'scaleResources', 'quietRules'] as const;
const fields: ReadonlySet<string> = new Set<
  keyof Resource | 'scale_resources' | 'last_scale_event' | 'last_scale_event_time'
>([
  'namespace',
  'name',
  'kind',
  'scaleResources',
  'scale_resources',
  'targets',
  'phase',
  'replicas',
  'lastScaleEvent',
  'last_scale_event',
  'lastScaleEventTime',
  'last_scale_event_time',
  'awakeSince',
  'dlxSeesAll',
  'idleAfterMs',
  'cooldownMs',
  'minAwakeMs',
  'pause',
  'busyUntil',
  'dryRun',
  'holdTimeoutMs',
  'connectTimeoutMs',
  'responseTimeoutMs',
  'idleTimeoutMs',
  'holdLimit',
  'quietRules',
  'blocked',
]);

/** What became of something that a scaler told as a resource. */
export interface ToldResource {
  /** Undefined: it has no name, so it is none. */
  readonly resource?: Resource;
  /** One clause each, that names the field, the value and what is allowed. */
  readonly problems: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a resource that a scaler told, into one of our own: what the scaler does to its object later is nobody's news. What
 * is wrong about it is left out and told. It is then served by what is right, and not parked, since what is wrong may
 * have been the reason not to.
 */
export function readToldResource(value: unknown): ToldResource {
  const problems: string[] = [];
  try {
    if (typeof value !== 'object' || value === null)
      return { problems: [`told ${shown(value)}, allowed is a resource`] };
    const told = bounded(value as Fields, problems);
    try {
      return { resource: withProblems(parseResource(told), problems), problems };
    } catch {
      return salvage(told, problems);
    }
  } catch (error) {
    return {
      problems: [...problems, `told a resource that cannot be read: ${shown((error as Error | undefined)?.message)}`],
    };
  }
}

/** Whether a scaler names a resource so. */
export function isRef(value: unknown): value is ResourceRef {
  if (typeof value !== 'object' || value === null) return false;
  const { namespace, name } = value as Record<string, unknown>;
  return isName(namespace) && isName(name);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 253;
}

/** A copy with the fields that there are, and lists that are short enough to be read. */
function bounded(value: Fields, problems: string[]): Fields {
  const told: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    if (fields.has(name)) told[name] = value[name];
    else problems.push(`resource.${name.slice(0, 80)} is left out, there is no such field`);
    if (problems.length > 10) break;
  }
  if (typeof told['blocked'] === 'string') told['blocked'] = told['blocked'].slice(0, most.text);
  for (const name of lists) told[name] = cut(told[name], most[name], `resource.${name}`, problems);
  if (Array.isArray(told['targets'])) {
    told['targets'] = told['targets'].map((target: unknown, i) => {
      const { routes } = (target ?? {}) as Fields;
      if (!Array.isArray(routes) || routes.length <= most.routes) return target;
      return { ...(target as Fields), routes: cut(routes, most.routes, `resource.targets[${i}].routes`, problems) };
    });
  }
  return told;
}

function cut(list: unknown, limit: number, path: string, problems: string[]): unknown {
  if (!Array.isArray(list) || list.length <= limit) return list;
  problems.push(`${path} is a list of ${list.length}, allowed are ${limit}`);
  return list.slice(0, limit);
}

/** Field by field, and item by item of a list. */
function salvage(told: Fields, problems: string[]): ToldResource {
  const { namespace, name, ...rest } = told;
  if (!isRef({ namespace, name })) {
    const wrong = `told of a resource whose namespace is ${shown(namespace)} and whose name is ${shown(name)}`;
    return { problems: [...problems, `${wrong}, allowed are texts of 1 to 253 characters`] };
  }
  const ref = { namespace, name };
  const right: Record<string, unknown> = { ...ref };
  const fits = (field: string, value: unknown): boolean => {
    try {
      parseResource({ ...ref, [field]: value });
      return true;
    } catch (error) {
      if (problems.length < 10) problems.push((error as Error).message);
      return false;
    }
  };
  for (const [field, value] of Object.entries(rest)) {
    if (value === undefined) continue;
    if ((lists as readonly string[]).includes(field) && Array.isArray(value)) {
      right[field] = value.filter((item, i) => fits(field, [item]) || !renumber(problems, field, i));
    } else if (fits(field, value)) right[field] = value;
  }
  return { resource: withProblems(parseResource(right), problems), problems };
}

/** An item that was read alone was the first of its list. Always true. */
function renumber(problems: string[], field: string, index: number): true {
  const last = problems.at(-1);
  if (last !== undefined)
    problems[problems.length - 1] = last.replace(`resource.${field}[0]`, `resource.${field}[${index}]`);
  return true;
}

function withProblems(resource: Resource, problems: readonly string[]): Resource {
  const [first] = problems;
  if (first === undefined || onlySuperfluous(problems)) return resource;
  const wrong = `the scaler tells what is wrong of it: ${first}`;
  return { ...resource, blocked: resource.blocked ? `${resource.blocked}; ${wrong}` : wrong };
}

function onlySuperfluous(problems: readonly string[]): boolean {
  return problems.every((problem) => problem.endsWith('there is no such field'));
}
