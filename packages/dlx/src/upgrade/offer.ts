import { fieldOf, hasBody } from '../head/head.ts';
import type { RawMessage } from '../http1/raw-message.ts';

/**
 * Protocols that are not taken up: Java's and Apache's clients offer them with any request, and the answer that they
 * expect is an ordinary one.
 */
const ignored = /^(?:h2c|tls\/.*)$/i;

/**
 * The protocols that a request offers to go over to, as they are passed on. Undefined where the offer is ignored, as
 * RFC 9110 §7.8 allows, and for HTTP/1.0 demands: the client may not go over before its body was read to the end, and
 * by then the answer may have begun.
 */
export function offerOf(req: RawMessage): string | undefined {
  if (req.httpVersion === '1.0' || hasBody(req.head)) return undefined;
  const offer = fieldOf(req.rawHeaders, 'upgrade') ?? '';
  const protocols = listOf(offer);
  const taken = protocols.filter((protocol) => !ignored.test(protocol));
  if (taken.length === 0) return undefined;
  return taken.length === protocols.length ? offer : taken.join(', ');
}

/** The members of a comma-separated field. */
export function listOf(field: string): string[] {
  return field
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
}
