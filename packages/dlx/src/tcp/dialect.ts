import { METHODS } from 'node:http';

/** A protocol that is known by a client's first bytes; `other`: whatever it is, it is not HTTP. */
export type Dialect = 'tls' | 'postgresql' | 'redis' | 'proxy' | 'other';

const tlsHandshake = 0x16;
const tlsMajor = 0x03;
/** Codes in place of a version, in a client's first message (PostgreSQL's documentation, "Message Formats"). */
const cancelCode = 80_877_102;
const sslCode = 80_877_103;
const gssCode = 80_877_104;
/** The PROXY protocol's beginnings, versions 1 and 2: a load balancer names its client. */
const proxyHeads = [
  ...['PROXY TCP4 ', 'PROXY TCP6 ', 'PROXY UNKNOWN'].map((text) => Buffer.from(text)),
  Buffer.from('0d0a0d0a000d0a515549540a', 'hex'),
];
/** An array of bulk strings, as clients of Redis send their commands. */
const respCommand = /^\*\d{1,7}\r\n\$/;
const respBegin = /^\*(?:\d{0,7}|\d{1,7}\r\n?)$/;
/** What a method of HTTP is made of (RFC 9110 §5.6.2). */
const tokenCharacter = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;
const [cr, lf, space] = [0x0d, 0x0a, 0x20];
const knownMethods: ReadonlySet<string> = new Set(METHODS);
/** A line that does not end in so many bytes is judged by its beginning. */
const longestLine = 1024;
/** How a request in HTTP begins, of whatever version: in 0.9 it is all of it. */
const target = /^[^ \t]+[ \t]+(?:\/|https?:\/\/)/i;

/**
 * The dialect that a client's first bytes prove: no request in HTTP begins with any of these. `more`: a few more are
 * needed to tell. Undefined: it may be HTTP.
 */
export function dialectOf(bytes: Buffer): Dialect | 'more' | undefined {
  switch (bytes[0]) {
    case tlsHandshake:
      return whole(bytes, 2) ?? (bytes[1] === tlsMajor ? 'tls' : 'other');
    case 0:
      return whole(bytes, 8) ?? (isStartup(bytes) ? 'postgresql' : 'other');
    case 0x2a: {
      const text = bytes.toString('latin1', 0, 12);
      if (respCommand.test(text)) return 'redis';
      return respBegin.test(text) ? 'more' : lineOf(bytes);
    }
    case 0x50:
      return proxyOf(bytes) ?? lineOf(bytes);
    case cr:
      return proxyOf(bytes);
    // Before a request empty lines are left out (RFC 9112 §2.2).
    case lf:
      return undefined;
    default:
      return lineOf(bytes);
  }
}

/**
 * What begins with words: commands of Redis, memcached, SMTP, IMAP, NATS or beanstalkd are lines of their own, and no request
 * line. What begins with what no method has in it, or has a control character in its line, is none either.
 */
function lineOf(bytes: Buffer): 'other' | 'more' | undefined {
  if (!tokenCharacter.test(String.fromCharCode(bytes[0] as number))) return 'other';
  const begin = bytes.indexOf(space);
  // Nearly every request.
  if (begin !== -1 && bytes[begin + 1] === 0x2f && knownMethods.has(bytes.toString('latin1', 0, begin)))
    return undefined;
  const end = bytes.subarray(0, longestLine).indexOf(lf);
  const line = bytes.toString('latin1', 0, end === -1 ? longestLine : end).replace(/\r$/, '');
  if (hasControl(line)) return 'other';
  if (end === -1) return bytes.length < longestLine ? 'more' : target.test(line) ? undefined : 'other';
  const last = line.slice(line.trimEnd().lastIndexOf(' ') + 1);
  if (/^HTTP\//i.test(last)) return undefined;
  // In HTTP/0.9 there is no version. Requests of RTSP and SIP end in their own.
  const old = knownMethods.has(line.slice(0, Math.max(0, begin))) && target.test(line);
  return old && !/^[A-Z]+\/\d/.test(last) ? undefined : 'other';
}

function hasControl(line: string): boolean {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return true;
  }
  return false;
}

/** Whether a client that sent this needs an answer before it can go on: if it ended there, it has left. */
export function needsAnswer(first: Buffer): boolean {
  const dialect = dialectOf(first);
  return dialect === 'tls' || (dialect === 'postgresql' && first.readUInt32BE(4) !== cancelCode);
}

function whole(bytes: Buffer, length: number): 'more' | undefined {
  return bytes.length < length ? 'more' : undefined;
}

function proxyOf(bytes: Buffer): Dialect | 'more' | undefined {
  const head = proxyHeads.find((one) => {
    const length = Math.min(one.length, bytes.length);
    return one.compare(bytes, 0, length, 0, length) === 0;
  });
  return head === undefined ? undefined : bytes.length < head.length ? 'more' : 'proxy';
}

function isStartup(bytes: Buffer): boolean {
  const code = bytes.readUInt32BE(4);
  return code >>> 16 === 3 || code === cancelCode || code === sslCode || code === gssCode;
}
