/** A protocol that is known by a client's first bytes. */
export type Dialect = 'tls' | 'postgresql' | 'redis' | 'proxy';

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

/**
 * The dialect that a client's first bytes prove: no request in HTTP begins with any of these. `more`: a few more are
 * needed to tell. Undefined: none of these.
 */
export function dialectOf(bytes: Buffer): Dialect | 'more' | undefined {
  switch (bytes[0]) {
    case tlsHandshake:
      return whole(bytes, 2) ?? (bytes[1] === tlsMajor ? 'tls' : undefined);
    case 0:
      return whole(bytes, 8) ?? (isStartup(bytes) ? 'postgresql' : undefined);
    case 0x2a: {
      const text = bytes.toString('latin1', 0, 12);
      if (respCommand.test(text)) return 'redis';
      return respBegin.test(text) ? 'more' : undefined;
    }
    case 0x50:
    case 0x0d:
      return proxyOf(bytes);
    default:
      return undefined;
  }
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
