import { expect, test } from '@jest/globals';
import type { AuditEntry } from '@scaler/testing-kit/kubernetes';
import { requestPattern } from './thousand.ts';

const entry = (changes: Partial<AuditEntry>): AuditEntry =>
  ({ verb: 'get', namespace: '', name: '', subresource: '', ...changes }) as AuditEntry;

test('requests that differ in names alone are of one kind', () => {
  const path = '/apis/apps/v1/namespaces/shop/deployments/web/scale?timeout=1s';
  const named = { namespace: 'shop', name: 'web', subresource: 'scale' };
  expect(requestPattern(entry({ path, ...named }))).toBe('get /apis/apps/v1/namespaces/*/deployments/*/scale');
  expect(requestPattern(entry({ verb: 'watch', path: '/api/v1/pods?watch=1' }))).toBe('watch /api/v1/pods');
});
