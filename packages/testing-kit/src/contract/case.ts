import type { Endpoint, ResourceScaler } from '@scaler/scaler-types';
import { NotReached, type Stage } from './stage.ts';

/**
 * Cases before they have a stage, each under its sentence, by the member of a scaler that they are about: they are left out
 * where the scaler lacks it.
 */
export type Cases = {
  readonly [Member in keyof ResourceScaler]?: Readonly<
    Record<string, (stage: Stage) => Promise<'left-out' | undefined | void>>
  >;
};

/** A resource that does not exist. */
export function strangerOf({ ref }: Stage): { namespace: string; name: string } {
  return { namespace: ref.namespace, name: 'there-is-none-of-this-name' };
}

/** Watches the endpoints of the resource's first target during `work`, and returns their lists. @throws NotReached when it has none. */
export async function whileWatched(
  stage: Stage,
  work: (lists: readonly (readonly Endpoint[])[]) => Promise<void>,
): Promise<readonly (readonly Endpoint[])[]> {
  const [target] = (await stage.listed())?.targets ?? [];
  if (!target) throw new NotReached('it has no target');
  const stop = new AbortController();
  const lists: (readonly Endpoint[])[] = [];
  const { service, port } = target;
  stage.dlx.watchEndpoints?.({ resource: stage.ref, service, port }, (list) => lists.push(list), stop.signal);
  try {
    await work(lists);
  } finally {
    stop.abort(new Error('watched enough'));
  }
  return lists;
}
