import assert from 'node:assert/strict';
import { type ApiReason, apiReasons } from '../api/errors.ts';
import { type Document, type RawApi, type RawRequestOptions } from './raw-api.ts';

/** One promise of every Kubernetes API server. */
export type Promised = { name: string; run(api: RawApi): Promise<void> };

/** Promises, each under its sentence. */
export type Checks = Readonly<Record<string, (api: CheckedApi) => Promise<void>>>;

/** Content types of patches. */
export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;
type PatchType = keyof typeof patchTypes;

const podSpec = {
  containers: [{ name: 'app', image: 'localhost/pause:1', imagePullPolicy: 'Never', ports: [{ containerPort: 80 }] }],
};

/** An API server of which each answer is checked: what is not as demanded fails the promise. */
export class CheckedApi {
  readonly namespace: string;
  readonly request: RawApi['request'];
  readonly watch: RawApi['watch'];

  constructor({ namespace, request, watch }: RawApi) {
    this.namespace = namespace;
    this.request = request;
    this.watch = watch;
  }

  /** The path of the objects of a kind, or of one of them. */
  at(gvr: string, name = '', subresource = ''): string {
    const parts = gvr.split('/');
    const prefix = parts.length === 2 ? `/api/${parts[0]}` : `/apis/${parts[0]}/${parts[1]}`;
    return [`${prefix}/namespaces/${this.namespace}/${parts.at(-1)}`, name, subresource]
      .filter((part) => part !== '')
      .join('/');
  }

  /** Sends a request and demands a status. */
  async demand(status: number, method: string, path: string, options?: RawRequestOptions): Promise<Document> {
    const answer = await this.request(method, path, options);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body).slice(0, 600)}`);
    return answer.body;
  }

  /** Sends a request and demands a refusal for that reason, with a proper Status body. */
  async refuse(reason: ApiReason, method: string, path: string, options?: RawRequestOptions): Promise<Document> {
    const code = apiReasons[reason];
    const body = await this.demand(code, method, path, options);
    const { kind, apiVersion, status } = body;
    assert.deepEqual([kind, apiVersion, status, body.code, body.reason], ['Status', 'v1', 'Failure', code, reason]);
    assert.equal(typeof body.message, 'string');
    return body;
  }

  /** Creates an object under a name of its own. */
  create(gvr: string, object: Document): Promise<Document> {
    const named = object.metadata?.name !== undefined;
    const metadata = { ...(named ? {} : { generateName: 'promise-' }), ...object.metadata };
    return this.demand(201, 'POST', this.at(gvr), { body: { ...object, metadata } });
  }

  refuseCreate(reason: ApiReason, gvr: string, body: Document): Promise<Document> {
    return this.refuse(reason, 'POST', this.at(gvr), { body });
  }

  configMap(more: Document = {}): Promise<Document> {
    return this.create('v1/configmaps', { data: { key: 'value' }, ...more });
  }

  /** A workload that never has pods, so that it is about the API and not about its controller. */
  workload(
    resource: 'deployments' | 'statefulsets' | 'replicasets' = 'deployments',
    metadata: Document = {},
  ): Promise<Document> {
    const labels = { app: 'promise' };
    const spec = { replicas: 0, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } };
    return this.create(`apps/v1/${resource}`, {
      metadata,
      spec: resource === 'statefulsets' ? { ...spec, serviceName: 'none' } : spec,
    });
  }

  service(spec: Document = {}): Promise<Document> {
    return this.create('v1/services', { spec: { selector: { app: 'none' }, ports: [{ port: 80 }], ...spec } });
  }

  /** A pod that no node runs: either bound to a node that does not exist, or never scheduled. */
  pod(spec: Document): Promise<Document> {
    return this.create('v1/pods', { spec: { ...podSpec, automountServiceAccountToken: false, ...spec } });
  }

  get(gvr: string, name: string, subresource?: string): Promise<Document> {
    return this.demand(200, 'GET', this.at(gvr, name, subresource));
  }

  list(gvr: string, query: Record<string, string> = {}): Promise<Document> {
    return this.demand(200, 'GET', this.at(gvr), { query });
  }

  replace(gvr: string, name: string, body: Document, subresource?: string): Promise<Document> {
    return this.demand(200, 'PUT', this.at(gvr, name, subresource), { body });
  }

  refuseReplace(reason: ApiReason, gvr: string, name: string, body: Document, sub?: string): Promise<Document> {
    return this.refuse(reason, 'PUT', this.at(gvr, name, sub), { body });
  }

  remove(gvr: string, name: string, body?: Document): Promise<Document> {
    return this.demand(200, 'DELETE', this.at(gvr, name), { body });
  }

  refuseRemove(reason: ApiReason, gvr: string, name: string, body: Document): Promise<Document> {
    return this.refuse(reason, 'DELETE', this.at(gvr, name), { body });
  }

  /** Demands that there is no such object. */
  missing(gvr: string, name: string, subresource?: string): Promise<Document> {
    return this.refuse('NotFound', 'GET', this.at(gvr, name, subresource));
  }

  patch(gvr: string, name: string, type: PatchType, body: Document, subresource?: string): Promise<Document> {
    return this.demand(200, 'PATCH', this.at(gvr, name, subresource), { body, contentType: patchTypes[type] });
  }

  refusePatch(
    reason: ApiReason,
    gvr: string,
    name: string,
    type: PatchType,
    body: Document,
    subresource?: string,
  ): Promise<Document> {
    const options = { body, contentType: patchTypes[type] };
    return this.refuse(reason, 'PATCH', this.at(gvr, name, subresource), options);
  }

  /** Demands that a JSON patch is refused as Invalid. */
  patchFails(gvr: string, name: string, body: Document, subresource?: string): Promise<Document> {
    return this.refusePatch('Invalid', gvr, name, 'json', body, subresource);
  }

  /** The first `count` events of a watch. */
  async take(gvr: string, query: Record<string, string>, count: number): Promise<{ type: string; object: Document }[]> {
    const abort = new AbortController();
    const timer = setTimeout(
      () => abort.abort(new Error(`only ${events.length} of ${count} events of ${gvr} came within 10 s`)),
      10_000,
    );
    const events: { type: string; object: Document }[] = [];
    try {
      for await (const event of this.watch(this.at(gvr), query, abort.signal)) {
        events.push(event);
        if (events.length === count) break;
      }
    } finally {
      clearTimeout(timer);
    }
    assert.equal(events.length, count);
    return events;
  }
}
