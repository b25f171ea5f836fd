import { CodedError } from '@scaler/async';

/** The meaning of each code. */
export const autoscalerErrors = {
  'peer-unreachable': 'A DLX replica gave no whole answer in time.',
  'peer-answer': 'A DLX replica answered with another status than 200, or with something that is not an answer.',
  'not-handed-back': 'An uninstall could not hand everything back; what is left is named.',
} as const;

/** Every code of an error that this package makes. */
export type AutoscalerErrorCode = keyof typeof autoscalerErrors;

/** An error of the autoscaler. Match on `code`, never on `instanceof`. */
export class AutoscalerError extends CodedError<AutoscalerErrorCode> {
  override readonly name = 'AutoscalerError';
}
