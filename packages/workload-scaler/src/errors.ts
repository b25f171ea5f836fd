import { CodedError } from '@scaler/async';

/** Every code of a {@link WorkloadScalerError}, with what to do about it. README has the same table. */
export const workloadScalerErrorCodes = {
  'invalid-option': 'An option of the scaler is unknown or has a value that is not allowed. The start stops.',
  'left-at-zero':
    'The replicas were set to 0 by another client and `scaler/follow-zero` is `false`, so a request does not start it.',
  'no-port':
    'No ports of the option `portRange` are left for it, or for its namespace. It is not diverted until some are free.',
  'not-settled': 'The resource was still moving when the work on it had to end; the next reconcile goes on.',
} as const;

/** Why this scaler failed, beside the codes of the contract. */
export type WorkloadScalerErrorCode = keyof typeof workloadScalerErrorCodes;

/** The error of this package. Match on `code`, never on `instanceof`. */
export class WorkloadScalerError extends CodedError<WorkloadScalerErrorCode> {
  override readonly name = 'WorkloadScalerError';
}
