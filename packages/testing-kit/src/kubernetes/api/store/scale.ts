import { noSuchResource } from '../errors.ts';
import { type Kind } from '../kinds.ts';
import { isObject, type Json, type JsonObject, jsonCopy, type KubeObject, type NewObject } from '../object.ts';
import { selectorText } from '../selectors.ts';
import { validateScale } from '../validate/validate.ts';

function at(object: KubeObject, path: string): Json | undefined {
  let value: Json | undefined = object as unknown as Json;
  for (const step of path.split('/')) value = isObject(value) ? value[step] : undefined;
  return value;
}

function pathsOf(kind: Kind): NonNullable<Kind['scale']> {
  if (kind.scale === undefined) throw noSuchResource();
  return kind.scale;
}

/** The Scale of an object. As the real server does, `spec.replicas` is left out when it is 0. */
export function scaleOf(kind: Kind, object: KubeObject): KubeObject {
  const paths = pathsOf(kind);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = Number(at(object, paths.specReplicasPath) ?? 0);
  const selector = at(object, paths.selectorPath);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: Number(at(object, paths.statusReplicasPath) ?? 0),
      ...(selector === undefined ? {} : { selector: typeof selector === 'string' ? selector : selectorText(selector) }),
    },
  };
}

/** The object with the replicas of a Scale, under the Scale's resourceVersion if it has one. */
export function withScale(kind: Kind, object: KubeObject, scale: NewObject): NewObject {
  const replicas = Number((scale.spec as { replicas?: number } | undefined)?.replicas ?? 0);
  validateScale(object.metadata.name, replicas);
  const result = jsonCopy(object);
  const path = pathsOf(kind).specReplicasPath.split('/');
  const last = path.pop() as string;
  let target = result as unknown as JsonObject;
  for (const step of path) target = (target[step] ??= {}) as JsonObject;
  target[last] = replicas;
  result.metadata.resourceVersion = scale.metadata.resourceVersion ?? '';
  return result;
}
