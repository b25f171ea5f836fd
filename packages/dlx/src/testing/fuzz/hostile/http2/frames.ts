export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;

export const endStream = 1;
export const ack = 1;
export const endHeaders = 4;
export const padded = 8;

/** One frame of HTTP/2, right or wrong; `length` may lie. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array,
  length = payload.length,
): Buffer {
  const out = Buffer.alloc(9 + payload.length);
  out.writeUIntBE(length & 0xffffff, 0, 3);
  out[3] = type;
  out[4] = flags;
  out.writeUInt32BE(stream >>> 0, 5);
  out.set(payload, 9);
  return out;
}

export function settings(pairs: readonly (readonly [id: number, value: number])[], flags = 0): Buffer {
  const payload = Buffer.alloc(pairs.length * 6);
  pairs.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value >>> 0, i * 6 + 2);
  });
  return frame(types.settings, flags, 0, payload);
}

export const settingsAck = settings([], ack);

export function word(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value >>> 0);
  return out;
}

export function windowUpdate(stream: number, by: number): Buffer {
  return frame(types.window, 0, stream, word(by));
}

export function resetStream(stream: number, code: number): Buffer {
  return frame(types.reset, 0, stream, word(code));
}

export function goaway(last: number, code: number, text = ''): Buffer {
  return frame(types.goaway, 0, 0, Buffer.concat([word(last), word(code), Buffer.from(text)]));
}

export function data(stream: number, bytes: Uint8Array | string, flags = 0): Buffer {
  return frame(types.data, flags, stream, Buffer.from(bytes as never));
}

export type Field = readonly [name: string, value: string];

/** Fields as HPACK literals that need no table; names and values in latin1. */
export function block(fields: readonly Field[]): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of fields) parts.push(Buffer.from([0]), text(name), text(value));
  return Buffer.concat(parts);
}

/** One big field put into the table, then named again and again: a few bytes that decode to many. */
export function bomb(fields: readonly Field[], size: number, times: number): Buffer {
  const big = Buffer.concat([Buffer.from([0x40]), text('x-big'), text('b'.repeat(size))]);
  return Buffer.concat([block(fields), big, Buffer.alloc(times, 0xbe)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const { length } = bytes;
  if (length < 127) return Buffer.concat([Buffer.from([length]), bytes]);
  const prefix = [127];
  let rest = length - 127;
  for (; rest >= 128; rest >>>= 7) prefix.push((rest & 127) | 128);
  prefix.push(rest);
  return Buffer.concat([Buffer.from(prefix), bytes]);
}

/** A head in as many frames as it needs. */
export function headers(stream: number, fields: readonly Field[] | Buffer, flags = 0): Buffer {
  const whole = Buffer.isBuffer(fields) ? fields : block(fields);
  const most = 16_384;
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < whole.length; at += most) {
    const last = at + most >= whole.length ? endHeaders : 0;
    const piece = whole.subarray(at, at + most);
    parts.push(
      at === 0 ? frame(types.headers, flags | last, stream, piece) : frame(types.continuation, last, stream, piece),
    );
  }
  return Buffer.concat(parts);
}
