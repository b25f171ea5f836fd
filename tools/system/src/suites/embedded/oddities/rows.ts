import type { Question } from './talk.ts';

/** One legal oddity, or one that is known to be sent, and what the DLX has to make of it. */
export interface Row extends Question {
  readonly what: string;
  /** The endpoint's bytes. Default: a plain answer. */
  readonly answer?: string;
  /** It answers at the head, and closes with what is uploaded unread. */
  readonly closes?: boolean;
  /** It answers once the body is there, after a `100 Continue` of its own where one is asked for. */
  readonly continues?: boolean;
  /** The beginning of what the client has to get. Default: what it gets without anything in between. */
  readonly wanted?: string;
  /** Why the DLX is stricter than nginx. */
  readonly why?: string;
}

const date = 'Date: Tue, 24 Nov 2026 10:00:00 GMT\r\n';
export const plainAnswer = `HTTP/1.1 200 OK\r\n${date}Content-Length: 2\r\n\r\nok`;

function request(line: string, fields = '', body = ''): string {
  return `${line}\r\nHost: HOST\r\n${fields}\r\n${body}`;
}

const get = request('GET / HTTP/1.1');
const head = request('HEAD / HTTP/1.1');
const post = request('POST / HTTP/1.1', 'Content-Length: 2\r\n', 'hi');

const byOffer = (offer: string, more = ''): string =>
  `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${offer}\r\n${more}`;
const settings = 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n';
const oneReading =
  'a request with more than one reading is how requests are smuggled past whoever reads it the other way (RFC 9112 §11.2)';
const strict = 'the request side has one strict parser, for a lenient one opens ways to smuggle requests';

/** Forms of requests. */
export const requests: readonly Row[] = [
  {
    what: 'an offer of h2c, as Java and `curl --http2` make',
    head: request('GET / HTTP/1.1', byOffer('h2c', settings)),
  },
  {
    what: 'an offer of h2c with a body',
    head: request('POST / HTTP/1.1', byOffer('h2c', `${settings}Content-Length: 2\r\n`), 'hi'),
  },
  { what: 'an offer of TLS/1.2', head: request('GET / HTTP/1.1', byOffer('TLS/1.2')) },
  { what: 'an offer in HTTP/1.0', head: request('GET / HTTP/1.0', byOffer('websocket')) },
  {
    what: 'HTTP/1.0 without Host',
    head: 'GET / HTTP/1.0\r\n\r\n',
    wanted: '404',
    why: 'without a Host nothing says which sleeper is meant on the shared port; a port of its own says it',
  },
  { what: 'an absolute target', head: request('GET http://HOST/ HTTP/1.1') },
  { what: 'PROPFIND', head: request('PROPFIND / HTTP/1.1') },
  { what: 'QUERY with a body', head: request('QUERY / HTTP/1.1', 'Content-Length: 2\r\n', 'hi') },
  {
    what: "Vault's LIST",
    head: request('LIST / HTTP/1.1'),
    wanted: '501',
    why: "Node's parser knows a list of methods, and no other parser in reach is as proven",
  },
  { what: 'VERSION-CONTROL', head: request('VERSION-CONTROL / HTTP/1.1'), wanted: '501', why: 'the same' },
  {
    what: 'HTTP/1.2',
    head: request('GET / HTTP/1.2'),
    wanted: '505',
    why: 'there is no HTTP/1.2 that anything could send, and the strict parser does not guess',
  },
  { what: 'an empty line before it', head: `\r\n${get}` },
  { what: 'lines that end in LF alone', head: get.replaceAll('\r\n', '\n'), wanted: '400', why: strict },
  {
    what: 'a space before a colon',
    head: request('GET / HTTP/1.1', 'X-Odd : 1\r\n'),
    wanted: '400',
    why: 'RFC 9112 §5.1 demands it',
  },
  {
    what: 'a fold',
    head: request('GET / HTTP/1.1', 'X-Odd: 1\r\n 2\r\n'),
    wanted: '400',
    why: 'RFC 9112 §5.2 allows it, and readings of a fold differ',
  },
  {
    what: 'a control character in a value',
    head: request('GET / HTTP/1.1', 'X-Odd: a\x01b\r\n'),
    wanted: '400',
    why: 'RFC 9110 §5.5 calls it invalid, and an app behind it may take it for the end of a line',
  },
  {
    what: 'two equal lengths',
    head: request('POST / HTTP/1.1', 'Content-Length: 2\r\nContent-Length: 2\r\n', 'hi'),
    wanted: '400',
    why: oneReading,
  },
  {
    what: 'a length beside chunks',
    head: request('POST / HTTP/1.1', 'Content-Length: 7\r\nTransfer-Encoding: chunked\r\n', '2\r\nhi\r\n0\r\n\r\n'),
    wanted: '400',
    why: oneReading,
  },
  {
    what: 'chunks with an extension and trailers',
    head: request(
      'POST / HTTP/1.1',
      'Transfer-Encoding: chunked\r\nTrailer: x-sum\r\n',
      '2;a=b\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n',
    ),
  },
  { what: 'GET with a body', head: request('GET / HTTP/1.1', 'Content-Length: 2\r\n', 'hi') },
  {
    what: '`Expect: 100-continue`, and the endpoint wants the body',
    head: request('POST / HTTP/1.1', 'Expect: 100-continue\r\nContent-Length: 2\r\n'),
    upon100: 'hi',
    continues: true,
  },
  {
    what: '`Expect: 100-continue`, and it does not',
    head: request('POST / HTTP/1.1', 'Expect: 100-continue\r\nContent-Length: 2\r\n'),
    answer: `HTTP/1.1 413 Content Too Large\r\n${date}Content-Length: 3\r\n\r\nno!`,
  },
  {
    what: 'an upload that is refused early, by a server that then closes',
    head: request('POST / HTTP/1.1', 'Content-Length: 8388608\r\n'),
    upload: 8_388_608,
    closes: true,
    answer: `HTTP/1.1 413 Content Too Large\r\n${date}Content-Length: 3\r\nConnection: close\r\n\r\nno!`,
  },
  {
    what: 'the same in chunks',
    head: request('POST / HTTP/1.1', 'Transfer-Encoding: chunked\r\n', `${(8_388_608).toString(16)}\r\n`),
    upload: 8_388_608,
    closes: true,
    answer: `HTTP/1.1 413 Content Too Large\r\n${date}Content-Length: 3\r\nConnection: close\r\n\r\nno!`,
  },
];

/** Forms of answers. */
export const answers: readonly Row[] = [
  {
    what: '`Trailer` with a length',
    head: get,
    answer: `HTTP/1.1 200 OK\r\n${date}Trailer: x-sum\r\nContent-Length: 2\r\n\r\nok`,
    wanted: '200 "ok"',
  },
  {
    what: '`Trailer` to HEAD',
    head,
    answer: `HTTP/1.1 200 OK\r\n${date}Trailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n`,
    wanted: '200',
  },
  {
    what: '`Trailer` in a 204',
    head: get,
    answer: `HTTP/1.1 204 No Content\r\n${date}Trailer: x-sum\r\n\r\n`,
    wanted: '204',
  },
  {
    what: '`Trailer` in a 304',
    head: get,
    answer: `HTTP/1.1 304 Not Modified\r\n${date}Trailer: x-sum\r\n\r\n`,
    wanted: '304',
  },
  {
    what: '`Trailer` to HTTP/1.0',
    head: request('GET / HTTP/1.0'),
    answer: `HTTP/1.1 200 OK\r\n${date}Trailer: x-sum\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok`,
    wanted: '200 "ok"',
  },
  { what: 'a 204 with a length', head: get, answer: `HTTP/1.1 204 No Content\r\n${date}Content-Length: 5\r\n\r\n` },
  { what: 'a 304 with a length', head: get, answer: `HTTP/1.1 304 Not Modified\r\n${date}Content-Length: 5\r\n\r\n` },
  { what: 'HEAD with a length', head, answer: `HTTP/1.1 200 OK\r\n${date}Content-Length: 5\r\n\r\n` },
  {
    what: 'a 100 that was not asked for',
    head: post,
    answer: `HTTP/1.1 100 Continue\r\n\r\n${plainAnswer}`,
  },
  { what: 'a 103', head: get, answer: `HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n${plainAnswer}` },
  {
    what: 'a 426',
    head: get,
    answer: `HTTP/1.1 426 Upgrade Required\r\n${date}Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nno`,
  },
  { what: 'lines that end in LF alone', head: get, answer: plainAnswer.replaceAll('\r\n', '\n') },
  {
    what: 'a fold',
    head: get,
    answer: plainAnswer.replace('\r\n', '\r\nX-Odd: a\r\n  b\r\n'),
    wanted: '200 x-odd: a b "ok"',
  },
  { what: 'a space before a colon', head: get, answer: plainAnswer.replace('\r\n', '\r\nX-Odd : a\r\n') },
  {
    what: 'a control character in a value',
    head: get,
    answer: plainAnswer.replace('\r\n', '\r\nX-Odd: a\x01b\r\n'),
    wanted: '200 x-odd: a b "ok"',
  },
  { what: 'two equal lengths', head: get, answer: plainAnswer.replace('\r\n', '\r\nContent-Length: 2\r\n') },
  { what: 'equal lengths in one field', head: get, answer: plainAnswer.replace('Length: 2', 'Length: 2, 2') },
  {
    what: 'two different lengths',
    head: get,
    answer: plainAnswer.replace('\r\n', '\r\nContent-Length: 1\r\n'),
    wanted: '502',
  },
  {
    what: 'a length beside chunks',
    head: get,
    answer: `HTTP/1.1 200 OK\r\n${date}Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    wanted: '200 "ok"',
  },
  {
    what: '`Transfer-Encoding: identity`',
    head: get,
    answer: plainAnswer.replace('\r\n', '\r\nTransfer-Encoding: identity\r\n'),
  },
  {
    what: '`Transfer-Encoding: gzip, chunked`',
    head: get,
    answer: `HTTP/1.1 200 OK\r\n${date}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    wanted: '502',
  },
  { what: 'HTTP/1.2', head: get, answer: plainAnswer.replace('HTTP/1.1', 'HTTP/1.2') },
  { what: 'HTTP/1.0, until it closes', head: get, closes: true, answer: `HTTP/1.0 200 OK\r\n${date}\r\nok` },
  { what: 'no reason phrase', head: get, answer: plainAnswer.replace(' OK', '') },
  { what: 'a status without a meaning', head: get, answer: plainAnswer.replace('200 OK', '299 Odd') },
  { what: 'an empty line before it', head: get, answer: `\r\n${plainAnswer}` },
];
