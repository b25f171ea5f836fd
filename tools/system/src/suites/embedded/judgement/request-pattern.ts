import type { AuditEntry } from '@scaler/testing-kit/kubernetes';

/** The kind of a request: its verb and its path, without names of namespaces and of single objects. */
export function requestPattern({ verb, path, namespace, name, subresource }: AuditEntry): string {
  const [bare = ''] = path.split('?');
  const parts = bare.split('/').map((part, i, all) => {
    if (namespace !== '' && all[i - 1] === 'namespaces' && part === namespace) return '*';
    return name !== '' && part === name && i === all.length - (subresource === '' ? 1 : 2) ? '*' : part;
  });
  return `${verb} ${parts.join('/')}`;
}
