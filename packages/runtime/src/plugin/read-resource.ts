import { parseResource, type Resource, resourceFields, type ResourceRef } from '@scaler/scaler-types';
import { shown } from './problem-log.ts';

/** The longest lists of one resource; the rest of a longer one is left out. */
export const most = { targets: 1000, routes: 2000, scaleResources: 100, quietRules: 1000, pairs: 100, text: 4096 };

const lists = ['targets', 'scaleResources', 'quietRules'] as const;
/** The result of reading a value that a scaler gave as a resource. */
export interface ReadResource {
  /** Undefined: the value has no name, so it is no resource. */
  readonly resource?: Resource;
  /** One clause each: the field, its value and what is allowed. */
  readonly problems: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a resource that a scaler gave, and copies it, so that later changes of the scaler's object have no effect. Invalid
 * fields are left out and reported. The resource is then served by its valid fields, and not parked, since an invalid one
 * may have been the reason not to.
 */
export function readResource(value: unknown): ReadResource {
  const problems: string[] = [];
  try {
    if (typeof value !== 'object' || value === null)
      return { problems: [`gave ${shown(value)}, allowed is a resource`] };
    const raw = bounded(value as Fields, problems);
    if (!isRef(raw)) return withoutName(raw, problems);
    try {
      return { resource: withProblems(parseResource(raw), problems), problems };
    } catch {
      return salvage(raw, problems);
    }
  } catch (error) {
    return {
      problems: [...problems, `gave a resource that cannot be read: ${shown((error as Error | undefined)?.message)}`],
    };
  }
}

/** Whether a value of a scaler names a resource. */
export function isRef(value: unknown): value is ResourceRef {
  if (typeof value !== 'object' || value === null) return false;
  const { namespace, name } = value as Record<string, unknown>;
  // A `/` in a namespace would make two resources one: resources are kept by `namespace/name`.
  return isName(namespace) && !namespace.includes('/') && isName(name);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 253;
}

/** A copy with the fields of the contract alone, its lists cut to the bounds. */
function bounded(value: Fields, problems: string[]): Fields {
  const raw: Record<string, unknown> = {};
  for (const name of resourceFields) if (value[name] !== undefined) raw[name] = value[name];
  const others = Object.keys(value).filter((name) => !resourceFields.has(name));
  for (const name of others.slice(0, 5)) {
    problems.push(`resource.${name.slice(0, 80)} is left out, there is no such field`);
  }
  if (typeof raw['blocked'] === 'string') raw['blocked'] = raw['blocked'].slice(0, most.text);
  for (const name of lists) raw[name] = cut(raw[name], most[name], `resource.${name}`, problems);
  if (Array.isArray(raw['targets'])) {
    raw['targets'] = raw['targets'].map((target: unknown, i) => {
      const { routes } = (target ?? {}) as Fields;
      if (!Array.isArray(routes) || routes.length <= most.routes) return target;
      return {
        ...(target as Fields),
        routes: cut(routes, most.routes, `resource.targets[${i}].routes`, problems),
        ...sinceOf(target as Fields, (_, at) => at < most.routes),
      };
    });
  }
  return raw;
}

/** `routesSince` of the routes that are kept. */
function sinceOf({ routesSince }: Fields, isKept: (one: unknown, at: number) => boolean): Fields {
  return Array.isArray(routesSince) ? { routesSince: routesSince.filter(isKept) } : {};
}

function cut(list: unknown, limit: number, path: string, problems: string[]): unknown {
  if (!Array.isArray(list) || list.length <= limit) return list;
  problems.push(`${path} is a list of ${list.length}, allowed are ${limit}`);
  return list.slice(0, limit);
}

function withoutName({ namespace, name }: Fields, problems: readonly string[]): ReadResource {
  const wrong = `gave a resource whose namespace is ${shown(namespace)} and whose name is ${shown(name)}`;
  return { problems: [...problems, `${wrong}, allowed are texts of 1 to 253 characters, a namespace without /`] };
}

/** Reads field by field, and lists item by item, and keeps what is valid. */
function salvage(raw: Fields, problems: string[]): ReadResource {
  const { namespace, name, ...rest } = raw;
  const ref = { namespace, name };
  const right: Record<string, unknown> = { ...ref };
  // A budget, since routes are parsed one by one.
  let looked = 2 * most.routes;
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
      right[field] = value.flatMap((item: unknown, i) => {
        if (fits(field, [item])) return [item];
        renumber(problems, field, i);
        const count = field === 'targets' ? routesIn(item) : Infinity;
        if (count > looked) return [];
        looked -= count;
        return withRightRoutes(item, ref);
      });
    } else if (fits(field, value)) right[field] = value;
  }
  return { resource: withProblems(parseResource(right), problems), problems };
}

function routesIn(target: unknown): number {
  const { routes } = (target ?? {}) as Fields;
  return Array.isArray(routes) ? routes.length : Infinity;
}

/** A target without its invalid routes; none where another field of it is invalid. */
function withRightRoutes(target: unknown, ref: Fields): readonly unknown[] {
  const { routes, routesSince: _, ...rest } = target as Fields & { routes: readonly unknown[] };
  const isRight = (saved: object): boolean => {
    try {
      parseResource({ ...ref, targets: [{ ...rest, ...saved }] });
      return true;
    } catch {
      return false;
    }
  };
  const kept = routes.map((route) => isRight({ routes: [route] }));
  const isKept = (_one: unknown, at: number): boolean => kept[at] === true;
  const saved = { routes: routes.filter(isKept), ...sinceOf(target as Fields, isKept) };
  return isRight(saved) ? [{ ...rest, ...saved }] : [];
}

/** An item that is parsed alone is item 0 of its list; the message has to name its own index. */
function renumber(problems: string[], field: string, index: number): void {
  const last = problems.at(-1);
  if (last !== undefined)
    problems[problems.length - 1] = last.replace(`resource.${field}[0]`, `resource.${field}[${index}]`);
}

function withProblems(resource: Resource, problems: readonly string[]): Resource {
  const [first] = problems;
  if (first === undefined || onlySuperfluous(problems)) return resource;
  const wrong = `the scaler gives an invalid value: ${first}`;
  return { ...resource, blocked: resource.blocked ? `${resource.blocked}; ${wrong}` : wrong };
}

function onlySuperfluous(problems: readonly string[]): boolean {
  return problems.every((problem) => problem.endsWith('there is no such field'));
}
