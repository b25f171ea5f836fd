/** What one side of a conversation does next. */
export type Step =
  /** Sends; a function gets the HTTP/2 stream that it answers on. `pieces`: in so many writes, a turn apart. */
  | { readonly do: 'send'; readonly what: string; readonly bytes: Bytes; readonly pieces?: number }
  /** Sends the same again and again, for as long as the other side takes it and it is not over. */
  | {
      readonly do: 'flood';
      readonly what: string;
      readonly bytes: Bytes;
      readonly times: number;
      readonly limitMs: number;
    }
  /** Uploads so many bytes of DATA on a stream as the windows that were granted allow. */
  | {
      readonly do: 'upload';
      readonly stream: number;
      readonly size: number;
      readonly end: boolean;
      readonly limitMs: number;
    }
  | { readonly do: 'wait'; readonly ms: number }
  /** Waits until it has heard so many bytes more, or that text, for no longer than the limit. */
  | { readonly do: 'hear'; readonly bytes: number; readonly text?: string; readonly limitMs: number }
  /** Reads nothing any more: the window of the connection shuts. */
  | { readonly do: 'stop-reading' }
  | { readonly do: 'read' }
  | { readonly do: 'fin' }
  | { readonly do: 'reset' };

export type Bytes = Buffer | ((stream: number) => Buffer);

export function send(what: string, bytes: Bytes | string, pieces?: number): Step {
  const sent = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  return { do: 'send', what, bytes: sent, ...(pieces !== undefined && { pieces }) };
}

export function flood(what: string, bytes: Bytes | string, times: number, limitMs = 300): Step {
  return { do: 'flood', what, bytes: typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, times, limitMs };
}

export function hear(bytes = 1, limitMs = 400): Step {
  return { do: 'hear', bytes, limitMs };
}

export function wait(ms: number): Step {
  return { do: 'wait', ms };
}

/** In words, for the report of a failure. */
export function describe(steps: readonly Step[]): string {
  return steps.map(describeStep).join('; ');
}

function describeStep(step: Step): string {
  switch (step.do) {
    case 'send':
      return `send ${step.what} ${shown(step.bytes)}`;
    case 'flood':
      return `flood ${step.times} × ${step.what} ${shown(step.bytes)}`;
    case 'upload':
      return `upload ${step.size} bytes on ${step.stream}${step.end ? ', the last' : ''}`;
    case 'wait':
      return `wait ${step.ms} ms`;
    case 'hear':
      return `hear ${step.text ?? `${step.bytes} bytes`}`;
    default:
      return step.do;
  }
}

const shownBytes = 160;

function shown(bytes: Bytes): string {
  const all = typeof bytes === 'function' ? bytes(1) : bytes;
  const text = JSON.stringify(all.toString('latin1', 0, shownBytes));
  return all.length > shownBytes ? `${text}… (${all.length} bytes)` : text;
}
