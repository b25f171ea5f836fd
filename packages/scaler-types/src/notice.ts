/**
 * `IdlenessUnknown`: idleness has been unknown for so long that the resource stays awake for that reason alone.
 * `IdlenessKnown`: that is over. `HeldBack`: it is idle, and not put to sleep yet since too many became idle at once.
 */
export const noticeReasons = ['IdlenessUnknown', 'IdlenessKnown', 'HeldBack'] as const;
export type NoticeReason = (typeof noticeReasons)[number];

/** A notice of an app for the owner of a resource. */
export interface Notice {
  type: 'normal' | 'warning';
  reason: NoticeReason;
  /** One sentence, without a final stop: `it stays awake: …`. */
  message: string;
}
