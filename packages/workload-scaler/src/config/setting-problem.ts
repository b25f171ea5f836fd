/** An annotation that is wrong. The workload is not parked while one is `fatal`. */
export interface SettingProblem {
  readonly annotation: string;
  readonly message: string;
  /** False for an annotation that is not known: it may be of a newer version. */
  readonly fatal: boolean;
}
