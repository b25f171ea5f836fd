import { type IncomingMessage } from 'node:http';
import { badRequest, FakeApiError } from '../errors.ts';
import { type Json } from '../object.ts';

/** The verb of a request. `proxy`-like verbs do not exist here. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** One request, parsed. A path that is not below `/api` or `/apis/GROUP/VERSION` has no `resource`. */
export type ApiRequest = {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  /** Plural, or `''`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  /** Without parameters, lower case. */
  readonly contentType: string;
  readonly accept: string;
  readonly userAgent: string;
  /** The bearer token, which is also the user's name here; `''` without one. */
  readonly user: string;
  /** The body as text; the handlers that need it parse it. */
  readonly body: string;
};

const maxBodyBytes = 3 * 1024 * 1024;

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes)
      throw new FakeApiError('RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

type Address = Pick<ApiRequest, 'group' | 'version' | 'resource' | 'namespace' | 'name' | 'subresource'>;

/** `/api/v1/namespaces/NS/pods/NAME/status` and its shorter forms. */
function parsePath(path: string): Address {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const head = parts.shift();
  const nowhere = { group: '', version: '', resource: '', namespace: '', name: '', subresource: '' };
  if (head !== 'api' && head !== 'apis') return nowhere;
  const group = head === 'apis' ? (parts.shift() ?? '') : '';
  const version = parts.shift() ?? '';
  const ofNamespace = parts[0] === 'namespaces' && parts.length > 2 && !['status', 'finalize'].includes(parts[2]!);
  const namespace = ofNamespace ? parts[1]! : '';
  const [resource = '', name = '', ...subresource] = ofNamespace ? parts.slice(2) : parts;
  return { group, version, resource, namespace, name, subresource: subresource.join('/') };
}

function verbOf(method: string, { name }: Address, query: URLSearchParams): Verb {
  const watch = ['1', 'true'].includes(query.get('watch') ?? '');
  if (method === 'POST') return 'create';
  if (method === 'PUT') return 'update';
  if (method === 'PATCH') return 'patch';
  if (method === 'DELETE') return name === '' ? 'deletecollection' : 'delete';
  if (name !== '') return 'get';
  return watch ? 'watch' : 'list';
}

/** Reads and parses a request. Throws RequestEntityTooLarge, or BadRequest for a path that is not UTF-8. */
export async function readRequest(message: IncomingMessage): Promise<ApiRequest> {
  const url = new URL(message.url ?? '/', 'http://fake');
  const { method = 'GET', headers } = message;
  let address: Address;
  try {
    address = parsePath(url.pathname);
  } catch {
    throw badRequest(`cannot decode the path ${url.pathname}`);
  }
  return {
    method,
    path: url.pathname,
    query: url.searchParams,
    verb: verbOf(method, address, url.searchParams),
    ...address,
    contentType: (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase(),
    accept: headers.accept ?? '',
    userAgent: headers['user-agent'] ?? '',
    user: /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '',
    body: await readBody(message),
  };
}

/** The path with the query, if there is one. */
export function fullPathOf({ path, query }: ApiRequest): string {
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

/** The body as JSON. Throws BadRequest. */
export function parseBody({ body, contentType }: ApiRequest): Json {
  if (
    !['', 'application/json', '*/*', 'application/x-www-form-urlencoded'].includes(contentType) &&
    !contentType.endsWith('+json')
  ) {
    throw new FakeApiError(
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: application/json (got ${contentType})`,
    );
  }
  try {
    return JSON.parse(body) as Json;
  } catch (error) {
    throw badRequest(
      `the object provided is unrecognized: couldn't get version/kind; json parse error: ${(error as Error).message}`,
    );
  }
}
