import { KubeError } from '../errors.ts';

// The API takes objects of up to 1.5 MB (3 MB in etcd's own limit); a line beyond this is not one.
const longestLine = 16 * 1024 * 1024;

/** Cuts a byte stream into JSON values, one per line. Keeps no text: only the rest of an unfinished line. */
export function createJsonLines(what: string) {
  let rest: Buffer[] = [];
  let restLength = 0;

  function parse(line: Buffer): unknown {
    try {
      return JSON.parse(line.toString('utf8')) as unknown;
    } catch (cause) {
      throw new KubeError('bad-answer', `${what} sent a line that is not JSON: ${line.toString('utf8', 0, 100)}`, {
        cause,
      });
    }
  }

  return {
    /** @throws KubeError `bad-answer` for a line that is not JSON. */
    *push(chunk: Buffer): Generator<unknown> {
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        const tail = chunk.subarray(start, end);
        const line = rest.length === 0 ? tail : Buffer.concat([...rest, tail]);
        rest = [];
        restLength = 0;
        start = end + 1;
        if (line.length > 0) yield parse(line);
      }
      if (start === chunk.length) return;
      rest.push(chunk.subarray(start));
      restLength += chunk.length - start;
      if (restLength > longestLine)
        throw new KubeError('bad-answer', `${what} sent a line of more than ${longestLine} bytes`);
    },
  };
}
