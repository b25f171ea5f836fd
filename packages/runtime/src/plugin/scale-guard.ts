import type { ConfirmAnswer, ResourceRef, ScaleOptions } from '@scaler/scaler-types';
import { shown } from './problem-log.ts';
import { isRef } from './read-resource.ts';

/** How often each question may be asked of one resource in one call. */
const mostQuestions = 10;
const mostAddresses = 1000;

/**
 * Guards the callbacks that a scaler may use while its `setScale` lasts, until `ended` is called: a question passes when it is
 * whole, and about a resource of the call.
 */
export function guardScaleOptions(
  { preflight, confirm, progress, ...rest }: ScaleOptions,
  refs: readonly ResourceRef[],
  onProblem: (problem: string) => void,
): { options: ScaleOptions; ended: () => void } {
  let over = false;
  let questions = 0;
  const refusal = (question: string, resource: unknown): string | undefined => {
    questions += 1;
    const problem = over
      ? `asked ${question} after its end`
      : questions > 2 * mostQuestions * refs.length
        ? `asked more than ${mostQuestions} times`
        : isRef(resource) &&
            refs.some(({ namespace, name }) => namespace === resource.namespace && name === resource.name)
          ? undefined
          : `asked ${question} of ${shown(resource)}, allowed is a resource of the call`;
    if (problem !== undefined) onProblem(problem);
    return problem;
  };
  const options: ScaleOptions = {
    ...rest,
    ...(preflight && {
      preflight: async (resource, signal) => {
        const problem = refusal('preflight', resource);
        return problem === undefined ? preflight(resource, isSignal(signal) ? signal : rest.signal) : [problem];
      },
    }),
    ...(confirm && {
      confirm: async (request, signal): Promise<ConfirmAnswer> => {
        const { resource, epoch, addresses } = request ?? {};
        const isWhole =
          typeof epoch === 'string' &&
          Array.isArray(addresses) &&
          addresses.length <= mostAddresses &&
          addresses.every((one) => typeof one === 'string');
        const problem =
          refusal('confirm', resource) ??
          (isWhole ? undefined : 'asked confirm without an epoch, or without a list of at most 1000 addresses');
        if (problem !== undefined) {
          onProblem(problem);
          return { ok: false, reason: problem };
        }
        return confirm({ resource, epoch, addresses }, isSignal(signal) ? signal : rest.signal);
      },
    }),
    ...(progress && {
      progress: (resource, step) => {
        if (!over && isRef(resource)) progress(resource, step);
      },
    }),
  };
  return { options, ended: () => (over = true) };
}

function isSignal(signal: unknown): signal is AbortSignal {
  return signal instanceof AbortSignal;
}
