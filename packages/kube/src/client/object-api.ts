import { isKubeError, KubeError } from '../errors.ts';
import { answerTooLong, type Caller, type CallOptions, defaultTimeoutMs } from './caller.ts';
import type { KubeClient, ListOptions, ListResult } from './client.ts';
import type { PatchOperation } from '../objects/json-patch.ts';
import { apiVersionOf, type Kind, type ObjectRef } from '../objects/kinds.ts';
import type { KubeObject } from '../objects/wire.ts';
import { collectionPath, objectPath, type Query, withQuery } from './paths.ts';

const listPageTimeoutMs = 30_000;
const listAttempts = 3;
/** The owner of the fields that are written. */
const fieldManager = 'scaler';

type ObjectApi = Omit<KubeClient, 'server' | 'namespace' | 'openWatch' | 'warm' | 'close'>;

/** The typed calls, on top of one that sends a request. */
export function createObjectApi(call: Caller): ObjectApi {
  const write = async <T>(method: 'POST' | 'PUT', path: string, body: object, options?: CallOptions): Promise<T> =>
    object(await call({ ...options, method, path: withQuery(path, byUs(options)), body: JSON.stringify(body) }));

  return {
    get: async (kind, ref, options) => object(await call({ ...options, method: 'GET', path: objectPath(kind, ref) })),
    list: (kind, options) => listAll(call, kind, options),
    pages: (kind, options) => listPages(call, kind, options),
    create: async (kind, value, options) =>
      write('POST', collectionPath(kind, namespaceOf(kind, value)), withType(kind, value), options),
    replace: async (kind, value, options) =>
      write('PUT', objectPath(kind, refOf(kind, value)), withType(kind, value), options),
    patch: async (kind, ref, patch, options) => {
      const isJson = Array.isArray(patch);
      return object(
        await call({
          ...options,
          method: 'PATCH',
          path: withQuery(objectPath(kind, ref), byUs(options)),
          body: JSON.stringify(patch),
          contentType: `application/${isJson ? 'json' : 'merge'}-patch+json`,
          tests: isJson && (patch as readonly PatchOperation[]).some(({ op }) => op === 'test'),
        }),
      );
    },
    delete: async (kind, ref, { preconditions, propagationPolicy, ...options } = {}) => {
      const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy });
      const path = withQuery(objectPath(kind, ref), { timeout: timeoutOf(options) });
      await call({ ...options, method: 'DELETE', path, body });
    },
    putScale: async (kind, ref, { replicas, resourceVersion }, options) => {
      const metadata = { name: ref.name, namespace: ref.namespace, resourceVersion };
      const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata, spec: { replicas } };
      return write('PUT', objectPath(kind, ref, 'scale'), scale, options);
    },
    request: (method, path, { query, body, ...options } = {}) =>
      call({
        ...options,
        method,
        path: withQuery(path, query),
        body: body === undefined ? undefined : JSON.stringify(body),
      }),
  };
}

const byUs = (options?: CallOptions): Query => ({ fieldManager, timeout: timeoutOf(options) });

// The API gives a write up when its sender does, and not after its own 60 s: what is late has mostly failed.
function timeoutOf({ timeoutMs = defaultTimeoutMs }: CallOptions = {}): string {
  return `${Math.ceil(timeoutMs / 1_000)}s`;
}

async function listAll<T extends KubeObject, U>(
  call: Caller,
  kind: Kind<T>,
  options: ListOptions<T, U>,
): Promise<ListResult<U>> {
  for (let attempt = 1; ; attempt++) {
    try {
      const items: U[] = [];
      let resourceVersion = '';
      for await (const page of listPages(call, kind, options)) {
        for (const item of page.items) items.push(item);
        resourceVersion = page.resourceVersion;
      }
      return { items, resourceVersion };
    } catch (error) {
      if (!isKubeError(error, 'gone') || attempt === listAttempts) throw error;
    }
  }
}

interface ListAnswer<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

async function* listPages<T extends KubeObject, U>(
  call: Caller,
  kind: Kind<T>,
  options: ListOptions<T, U>,
): AsyncGenerator<ListResult<U>> {
  const path = collectionPath(kind, options.namespace);
  const { labelSelector, fieldSelector, lane = 'bulk', timeoutMs = listPageTimeoutMs, signal } = options;
  let { pageSize = 500 } = options;
  const ask = async (url: string): Promise<ListAnswer<T> | undefined | 'too-long'> => {
    try {
      return (await call({ method: 'GET', path: url, lane, timeoutMs, signal })) as ListAnswer<T> | undefined;
    } catch (error) {
      if (isKubeError(error, 'bad-answer') && error.reason === answerTooLong && pageSize > 1) return 'too-long';
      throw error;
    }
  };
  for (let next: string | undefined; ;) {
    const url = withQuery(path, { limit: pageSize, labelSelector, fieldSelector, continue: next });
    const answer = await ask(url);
    if (answer === 'too-long') {
      // Owners may make large objects: these make more pages, not longer ones.
      pageSize = Math.max(1, Math.floor(pageSize / 8));
      continue;
    }
    const resourceVersion = answer?.metadata?.resourceVersion;
    if (resourceVersion === undefined || (answer?.items !== null && !Array.isArray(answer?.items))) {
      throw new KubeError('bad-answer', `GET ${url} answered no list`);
    }
    yield { items: (answer?.items ?? []).map((item) => options.trim(item)), resourceVersion };
    next = answer?.metadata?.continue || undefined;
    if (next === undefined) return;
  }
}

function object<T>(answer: unknown): T {
  if (typeof answer !== 'object' || answer === null) throw new KubeError('bad-answer', 'The API answered no object');
  return answer as T;
}

function withType(kind: Kind, value: KubeObject): KubeObject {
  return { ...value, apiVersion: apiVersionOf(kind), kind: kind.kind };
}

function refOf(kind: Kind, value: KubeObject): ObjectRef {
  const { name, namespace } = value.metadata ?? {};
  if (name === undefined) throw new KubeError('bad-config', `This ${kind.kind} has no metadata.name`);
  return { name, namespace };
}

function namespaceOf(kind: Kind, value: KubeObject): string | undefined {
  const namespace = value.metadata?.namespace;
  if (kind.namespaced && namespace === undefined) {
    throw new KubeError('bad-config', `${kind.kind} "${value.metadata?.name ?? ''}" needs a namespace to be created`);
  }
  return namespace;
}
