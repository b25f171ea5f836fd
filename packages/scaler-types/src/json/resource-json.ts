import { type Pause, pauseModes } from '../pause.ts';
import type { Led, Phase, QuietRule, Resource, Route, TargetPort } from '../resource.ts';
import { scaleEvents } from '../scale-event.ts';
import { anyText, flag, isoTime, list, object, oneOf, optional, record, required, text, wholeNumber } from './read.ts';
import { formatScaleResource, kubeResource, scaleResource, type ScaleResourceJson } from './scale-resource-json.ts';

/** A resource as {@link formatResource} writes it: the same fields, windows as duration texts. */
export type ResourceJson = Omit<Resource, 'scaleResources'> & { scaleResources: ScaleResourceJson[] };

const phases: readonly Phase[] = ['awake', 'parking', 'asleep', 'waking'];
const milliseconds = wholeNumber(0);
const port = wholeNumber(1, 65_535);

const route = object<Route>({
  host: required(text),
  path: optional(text),
  pathType: optional(oneOf(['Prefix', 'Exact'])),
  ambiguous: optional(flag),
});

const led = object<Led>({ port: required(port), since: optional(isoTime) });

const targetPort = object<TargetPort>({
  service: required(text),
  port: required(port),
  portName: optional(text),
  listenPort: optional(port),
  led: optional(led),
  routes: optional(list(route)),
  routesSince: optional(list(anyText)),
  protocol: optional(oneOf(['http', 'tcp'])),
  speaksFirst: optional(oneOf(['client', 'server'])),
  proxyProtocol: optional(oneOf(['v1', 'v2'])),
  clientAffinity: optional(flag),
});

const quietRule = object<QuietRule>({
  method: optional(text),
  path: optional(text),
  headers: optional(record(text)),
  port: optional(port),
});

const pause = object<Pause>({ mode: required(oneOf(pauseModes)), until: optional(isoTime) });

/** v3io's names beside ours; fields that v3io leaves out when empty may be absent. */
const fields = {
  namespace: required(text),
  name: required(text),
  kind: optional(kubeResource),
  createdAt: optional(isoTime),
  scaleResources: optional(list(scaleResource), 'scale_resources'),
  targets: optional(list(targetPort)),
  phase: optional(oneOf(phases)),
  replicas: optional(wholeNumber(0)),
  lastScaleEvent: optional(oneOf(scaleEvents), 'last_scale_event'),
  lastScaleEventTime: optional(isoTime, 'last_scale_event_time'),
  awakeSince: optional(isoTime),
  dlxSeesAll: optional(flag),
  idleAfterMs: optional(milliseconds),
  cooldownMs: optional(milliseconds),
  minAwakeMs: optional(milliseconds),
  pause: optional(pause),
  busyUntil: optional(isoTime),
  dryRun: optional(flag),
  holdTimeoutMs: optional(milliseconds),
  connectTimeoutMs: optional(wholeNumber(1)),
  responseTimeoutMs: optional(milliseconds),
  idleTimeoutMs: optional(milliseconds),
  upstreamKeepAliveMs: optional(milliseconds),
  holdLimit: optional(wholeNumber(0)),
  quietRules: optional(list(quietRule)),
  blocked: optional(anyText),
};
const resource = object<Partial<Resource> & Pick<Resource, 'namespace' | 'name'>>(fields);

/** The names of all fields that {@link parseResource} reads, v3io's among them. */
export const resourceFields: ReadonlySet<string> = new Set(
  Object.entries(fields).flatMap(([name, { aliases }]) => [name, ...aliases]),
);

/**
 * Reads a resource from parsed JSON: as {@link formatResource} writes it, windows as duration text or as milliseconds,
 * thresholds as number or as quantity; or with v3io's names (`scale_resources`, `metric_name`, `window_size` or
 * `windows_size`, `last_scale_event`, `last_scale_event_time`), windows as text only. Thresholds are in the metric's own
 * unit in both. Lists that are absent are empty.
 *
 * @throws ScalerError `invalid-resource` that names the path, the value and what is allowed; unknown fields too.
 */
export function parseResource(json: unknown): Resource {
  return { scaleResources: [], targets: [], ...resource(json, 'resource') };
}

/** Writes a resource as JSON-safe data; {@link parseResource} reads it back to an equal one. */
export function formatResource({ scaleResources, ...rest }: Resource): ResourceJson {
  return { ...rest, scaleResources: scaleResources.map(formatScaleResource) };
}
