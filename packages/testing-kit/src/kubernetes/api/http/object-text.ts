import { type KubeObject } from '../object.ts';
import { type WatchEvent } from '../store/types.ts';

const texts = new WeakMap<KubeObject, string>();

/** An object's JSON, made once per version: objects of the store never change. */
export function objectText(object: KubeObject): string {
  let text = texts.get(object);
  if (text === undefined) {
    text = JSON.stringify(object);
    texts.set(object, text);
  }
  return text;
}

/** An object as an item of a list: built-in kinds leave `kind` and `apiVersion` out there. */
export function itemText(object: KubeObject, custom: boolean): string {
  const text = objectText(object);
  if (custom) return text;
  // The store puts these two first.
  const head = `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)},`;
  return `{${text.slice(head.length)}`;
}

/** An event as a line of a watch. */
export function eventLine({ type, object }: Pick<WatchEvent, 'type' | 'object'>): string {
  return `{"type":"${type}","object":${objectText(object)}}\n`;
}
