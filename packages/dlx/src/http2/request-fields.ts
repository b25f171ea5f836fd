import type { OutgoingHttpHeaders } from 'node:http2';
import type { Exchange } from '../exchange/exchange.ts';
import type { ClientStream } from './client-stream.ts';
import { writeGrpcTimeout } from './grpc.ts';
import { addFields, noFields } from './raw-fields.ts';

/** The fields of a request as they are sent to an endpoint. */
export function requestFields(client: ClientStream, { wasHeld, core }: Exchange): OutgoingHttpHeaders {
  const { request, head, path, sensitive, deadlineMs } = client;
  const fields = noFields();
  fields[':method'] = request.method;
  fields[':scheme'] = request.scheme;
  fields[':authority'] = head.host;
  fields[':path'] = path;
  addFields(fields, { raw: head.fields, sensitive });
  if (head.takesTrailers) fields.te = 'trailers';
  // It has waited for some of that time already.
  if (wasHeld && deadlineMs !== undefined) {
    fields['grpc-timeout'] = writeGrpcTimeout(deadlineMs - core.clock.monotonic());
  }
  return fields;
}
