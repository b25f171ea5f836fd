import { about, badRequest, FakeApiError } from './errors.ts';
import { type ApiRequest } from './http/request.ts';
import { jsonReply, type Reply } from './http/reply.ts';

/** The answer of an authorisation hook; `reason` is added to the message of the 403. */
export type Verdict = boolean | { allowed: boolean; reason?: string };

/** Decides whether a request may be done, as RBAC would. `request.user` is the bearer token. */
export type Authorize = (request: ApiRequest) => Verdict;

/** The result of a TokenReview: the user of a token, or `undefined` for a bad token. */
export type ReviewToken = (token: string) => { username: string; groups?: string[] } | undefined;

function refusal(
  { user, verb, resource, subresource, group, namespace, name, path }: ApiRequest,
  reason: string | undefined,
): FakeApiError {
  const why = reason === undefined ? '' : `: ${reason}`;
  if (resource === '')
    return new FakeApiError('Forbidden', `forbidden: User "${user}" cannot get path "${path}"${why}`, {});
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const whole = group === '' ? resource : `${resource}.${group}`;
  const named = name === '' ? whole : `${whole} "${name}"`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return new FakeApiError(
    'Forbidden',
    `${named} is forbidden: User "${user}" cannot ${verb} resource "${what}" in API group "${group}" ${where}${why}`,
    about({ group, resource }, name),
  );
}

/** Throws Unauthorized without a token, Forbidden where the hook says no. Without a hook everything is allowed. */
export function checkAccess(authorize: Authorize | undefined, request: ApiRequest): void {
  if (authorize === undefined) return;
  if (request.user === '') throw new FakeApiError('Unauthorized', 'Unauthorized');
  const verdict = authorize(request);
  if (verdict === true) return;
  if (verdict === false || !verdict.allowed) throw refusal(request, verdict === false ? undefined : verdict.reason);
}

/** The answer to a TokenReview. Throws BadRequest without a token. */
export function reviewToken(review: ReviewToken, token: string): Reply {
  if (token === '') throw badRequest('token is required for TokenReview in authentication');
  const user = review(token);
  const status = user === undefined ? { user: {}, error: 'invalid bearer token' } : { authenticated: true, user };
  return jsonReply(
    { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', metadata: {}, spec: { token }, status },
    201,
  );
}
