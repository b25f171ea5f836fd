/** What happened to a resource last, in v3io's words. */
export type ScaleEvent =
  'resourceUpdated' | 'scaleFromZeroStarted' | 'scaleFromZeroCompleted' | 'scaleToZeroStarted' | 'scaleToZeroCompleted';

export const scaleEvents: readonly ScaleEvent[] = [
  'resourceUpdated',
  'scaleFromZeroStarted',
  'scaleFromZeroCompleted',
  'scaleToZeroStarted',
  'scaleToZeroCompleted',
];
