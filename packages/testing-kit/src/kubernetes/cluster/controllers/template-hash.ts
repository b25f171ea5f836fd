import { createHash } from 'node:crypto';
import type { PodTemplate } from '../objects.ts';

export const templateHashLabel = 'pod-template-hash';
// Kubernetes' own alphabet for names: no vowels, nothing easily mistaken.
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]));
}

function encode(bytes: Buffer, length: number): string {
  return [...bytes.subarray(0, length)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

function withoutHash(template: PodTemplate): unknown {
  const labels = { ...template.metadata?.labels };
  delete labels[templateHashLabel];
  return sorted({ ...template, metadata: { ...template.metadata, labels } });
}

/** Whether two templates make the same pods; the hash label does not count. */
export function sameTemplate(a: PodTemplate, b: PodTemplate): boolean {
  return JSON.stringify(withoutHash(a)) === JSON.stringify(withoutHash(b));
}

/** The part of a name that differs by template. */
export function templateHash(template: PodTemplate): string {
  return encode(
    createHash('sha256')
      .update(JSON.stringify(withoutHash(template)))
      .digest(),
    10,
  );
}

/** `length` random characters as in generated names. */
export function randomSuffix(length = 5): string {
  return encode(Buffer.from(crypto.getRandomValues(new Uint8Array(length))), length);
}
