export const scaleEvents = [
  'resourceUpdated',
  'scaleFromZeroStarted',
  'scaleFromZeroCompleted',
  'scaleToZeroStarted',
  'scaleToZeroCompleted',
] as const;

/** The last event of a resource, by v3io's names. */
export type ScaleEvent = (typeof scaleEvents)[number];
