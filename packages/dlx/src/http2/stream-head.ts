import { fieldBytes, type Head, readHead } from '../head/head.ts';

/** The head of a request in HTTP/2. */
export interface StreamHead {
  readonly method: string;
  readonly scheme: string;
  readonly path: string;
  readonly authority: string | undefined;
  /** The `Host` field, which may stand beside or in place of the authority. */
  readonly hostField: string | undefined;
  readonly contentType: string | undefined;
  /** Its `host` is the authority, or else the `Host` field; neither is among its fields. */
  readonly head: Head;
}

/** Reads raw fields, pseudo-fields among them. */
export function readStreamHead(raw: readonly string[], targetHeader: string): StreamHead {
  const pseudo = new Map<string, string>();
  const rest: string[] = [];
  let hostField: string | undefined;
  let contentType: string | undefined;
  let bytes = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    if (name.startsWith(':')) {
      bytes += fieldBytes + value.length;
      pseudo.set(name, value);
      continue;
    }
    if (name === 'host') {
      hostField = value;
      continue;
    }
    if (name === 'content-type') contentType = value;
    rest.push(name, value);
  }
  const head = readHead(rest, targetHeader);
  head.bytes += bytes;
  const authority = pseudo.get(':authority');
  head.host = authority ?? hostField;
  const [method = '', scheme = '', path = ''] = [':method', ':scheme', ':path'].map((name) => pseudo.get(name));
  return { method, scheme, path, authority, hostField, contentType, head };
}
