import { type WriteOptions } from '../store/types.ts';
import { dryRunOf } from './delete-options.ts';
import { type ApiRequest } from './request.ts';

/** The options of a write; the manager is `fieldManager`, else the program's name in the User-Agent. */
export function writeOptionsOf({ query, userAgent }: ApiRequest): WriteOptions {
  const manager = query.get('fieldManager') ?? userAgent.split('/')[0] ?? '';
  return { ...dryRunOf(query), manager: manager === '' ? 'unknown' : manager };
}
