import { type ApiRequest, fullPathOf, type Verb } from './http/request.ts';
import { gvrOf } from './kinds.ts';

/** One request to the fake API, with its outcome. */
export type AuditEntry = {
  readonly seq: number;
  /** Wall-clock milliseconds at which it was read. */
  readonly at: number;
  readonly user: string;
  readonly userAgent: string;
  readonly verb: Verb;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** `apps/v1/deployments`; `''` for what is no resource. */
  readonly gvr: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  /** The content type of a PATCH. */
  readonly patchType: string;
  readonly body: string;
  /** The HTTP status that was, or would have been, sent. 0 while under way and for a request that a fault dropped. */
  status: number;
  /** The store's version when it was answered; 0 while under way. */
  resourceVersionAfter: number;
};

/** A filter of an audit: each given field must be equal. */
export type AuditFilter = Partial<
  Pick<AuditEntry, 'user' | 'userAgent' | 'verb' | 'gvr' | 'namespace' | 'name' | 'subresource' | 'status'>
>;

/** The latest requests, oldest first. */
export type Audit = {
  entries(filter?: AuditFilter): AuditEntry[];
  /** The requests that write: create, update, patch, delete, deletecollection. */
  writes(filter?: AuditFilter): AuditEntry[];
  /** Calls `listener` with each entry when its answer is decided; the answer stops that. */
  onEntry(listener: (entry: AuditEntry) => void): () => void;
  clear(): void;
};

const writeVerbs: readonly Verb[] = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** The audit's inner side. */
export type AuditLog = Audit & {
  begin(request: ApiRequest, at: number): AuditEntry;
  end(entry: AuditEntry, status: number, resourceVersion: number): void;
};

/** Keeps the latest `size` entries. */
export function createAudit(size: number): AuditLog {
  let all: AuditEntry[] = [];
  let seq = 0;
  const listeners = new Set<(entry: AuditEntry) => void>();
  const entries = (filter: AuditFilter = {}): AuditEntry[] =>
    all.filter((entry) =>
      Object.entries(filter).every(([field, value]) => entry[field as keyof AuditFilter] === value),
    );
  return {
    entries,
    writes: (filter) => entries(filter).filter(({ verb }) => writeVerbs.includes(verb)),
    onEntry(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    clear: () => void (all = []),
    begin(request, at) {
      const { user, userAgent, verb, method, namespace, name, subresource, body } = request;
      const entry = {
        ...{ at, user, userAgent, verb, method, namespace, name, subresource, body },
        seq: (seq += 1),
        path: fullPathOf(request),
        gvr: request.resource === '' ? '' : gvrOf(request),
        patchType: verb === 'patch' ? request.contentType : '',
        status: 0,
        resourceVersionAfter: 0,
      };
      all.push(entry);
      if (all.length > size * 1.1) all = all.slice(-size);
      return entry;
    },
    end(entry, status, resourceVersion) {
      entry.status = status;
      entry.resourceVersionAfter = resourceVersion;
      for (const listener of listeners) listener(entry);
    },
  };
}
