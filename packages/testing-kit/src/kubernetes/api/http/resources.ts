import { about, badRequest, FakeApiError, noSuchResource } from '../errors.ts';
import { groupVersionOf, gvrOf, type Kind } from '../kinds.ts';
import { isObject, type KubeObject, type NewObject } from '../object.ts';
import { patchTypeOf } from '../patch/patch.ts';
import type { Store } from '../store/store.ts';
import { type Patch } from '../store/types.ts';
import { itemText, objectText } from './object-text.ts';
import { deleteOptionsOf, listOptionsOf, updateOptionsOf, writeOptionsOf } from './options.ts';
import { jsonReply, type Reply } from './reply.ts';
import { type ApiRequest, parseBody } from './request.ts';

type Handler = (kind: Kind, request: ApiRequest, store: Store) => Reply;

function objectReply(object: KubeObject, status = 200): Reply {
  return { status, text: objectText(object) };
}

const list: Handler = (kind, request, store) => {
  const { items, ...metadata } = store.list(gvrOf(kind), listOptionsOf(request));
  const texts = items.map((item) => itemText(item, kind.custom === true));
  const head = JSON.stringify({ kind: `${kind.kind}List`, apiVersion: groupVersionOf(kind), metadata });
  return { status: 200, text: `${head.slice(0, -1)},"items":[${texts.join(',')}]}` };
};

/** The object of a POST or PUT, for where the URL says it belongs. */
function givenObject(kind: Kind, request: ApiRequest): NewObject {
  const body = parseBody(request);
  if (!isObject(body)) throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind})`);
  const given = body as unknown as NewObject;
  const sent = [given.apiVersion ?? groupVersionOf(kind), given.kind ?? kind.kind] as const;
  if (sent[0] !== groupVersionOf(kind) || sent[1] !== kind.kind) {
    throw badRequest(`${sent[1]} in version "${sent[0]}" cannot be handled as a ${kind.kind}`);
  }
  const metadata = isObject(given.metadata) ? given.metadata : {};
  if (metadata.namespace !== undefined && metadata.namespace !== request.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (request.name !== '' && metadata.name !== undefined && metadata.name !== request.name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${request.name})`);
  }
  const name = request.name === '' ? {} : { name: request.name };
  return { ...given, metadata: { ...metadata, ...name, ...(kind.namespaced ? { namespace: request.namespace } : {}) } };
}

const create: Handler = (kind, request, store) => {
  const given = givenObject(kind, request);
  if ((given.metadata.resourceVersion ?? '') !== '') {
    throw new FakeApiError('InternalError', 'resourceVersion should not be set on objects to be created');
  }
  return objectReply(store.create(gvrOf(kind), given, writeOptionsOf(request)), 201);
};

const update: Handler = (kind, request, store) => {
  const existed = store.find(gvrOf(kind), request.namespace, request.name) !== undefined;
  return objectReply(
    store.update(gvrOf(kind), givenObject(kind, request), updateOptionsOf(request)),
    existed ? 200 : 201,
  );
};

function patchOf(kind: Kind, request: ApiRequest): Patch {
  const type = patchTypeOf(request.contentType, kind.custom === true);
  try {
    return { type, body: JSON.parse(request.body) };
  } catch (error) {
    throw badRequest(`error decoding patch: ${(error as Error).message}`);
  }
}

const patch: Handler = (kind, request, store) =>
  objectReply(
    store.patch(gvrOf(kind), request.namespace, request.name, patchOf(kind, request), updateOptionsOf(request)),
  );

const remove: Handler = (kind, request, store) => {
  const { object, removed } = store.delete(gvrOf(kind), request.namespace, request.name, deleteOptionsOf(request));
  if (!removed || kind.returnsDeleted === true) return objectReply(object);
  const details = { ...about(kind, object.metadata.name), uid: object.metadata.uid };
  return jsonReply({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
};

const removeAll: Handler = (kind, request, store) => {
  const items = store.deleteCollection(gvrOf(kind), listOptionsOf(request), deleteOptionsOf(request));
  const metadata = { resourceVersion: String(store.resourceVersion) };
  return jsonReply({ kind: `${kind.kind}List`, apiVersion: groupVersionOf(kind), metadata, items });
};

const objectVerbs: Record<string, Handler> = {
  get: (kind, { namespace, name }, store) => objectReply(store.get(gvrOf(kind), namespace, name)),
  list,
  create,
  update,
  patch,
  delete: remove,
  deletecollection: removeAll,
};

const statusVerbs: Record<string, Handler> = { get: objectVerbs.get!, update, patch };

const scaleVerbs: Record<string, Handler> = {
  get: (kind, { namespace, name }, store) => jsonReply(store.getScale(gvrOf(kind), namespace, name)),
  update(kind, request, store) {
    const body = parseBody(request);
    const given = (isObject(body) ? body : {}) as unknown as NewObject;
    const scale = { ...given, metadata: given.metadata ?? {} };
    return jsonReply(store.updateScale(gvrOf(kind), request.namespace, request.name, scale, writeOptionsOf(request)));
  },
  patch: (kind, request, store) =>
    jsonReply(
      store.patchScale(gvrOf(kind), request.namespace, request.name, patchOf(kind, request), writeOptionsOf(request)),
    ),
};

function verbsOf(kind: Kind, { subresource }: ApiRequest): Record<string, Handler> {
  if (subresource === '') return objectVerbs;
  if (subresource === 'status' && kind.hasStatus === true) return statusVerbs;
  if (subresource === 'scale' && kind.scale !== undefined) return scaleVerbs;
  throw noSuchResource();
}

/** Whether a request is where no such request can be: a POST to an object, a PUT to a collection, of no namespace. */
function isMisplaced(kind: Kind, { verb, name, namespace }: ApiRequest): boolean {
  if (verb === 'create' ? name !== '' : ['update', 'patch'].includes(verb) && name === '') return true;
  return kind.namespaced && namespace === '' && verb !== 'list';
}

/** Handles a request for a kind, and returns the answer. Throws FakeApiError. */
export function serveResource(kind: Kind, request: ApiRequest, store: Store): Reply {
  if (!kind.namespaced && request.namespace !== '') throw noSuchResource();
  const handler = verbsOf(kind, request)[request.verb];
  if (handler === undefined || isMisplaced(kind, request)) {
    throw new FakeApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
  }
  return handler(kind, request, store);
}
