import { must } from '@scaler/command';

/** @throws with its output when it fails. */
export function kubectl(args: readonly string[], input?: string): Promise<string> {
  return must('kubectl', args, { input });
}

/** @throws with its output when it fails. */
export function helm(args: readonly string[], input?: string): Promise<string> {
  return must('helm', args, { input });
}
