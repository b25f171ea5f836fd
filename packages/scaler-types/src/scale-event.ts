/** The last event of a resource, by v3io's names. */
export type ScaleEvent =
  'resourceUpdated' | 'scaleFromZeroStarted' | 'scaleFromZeroCompleted' | 'scaleToZeroStarted' | 'scaleToZeroCompleted';

export const scaleEvents: readonly ScaleEvent[] = [
  'resourceUpdated',
  'scaleFromZeroStarted',
  'scaleFromZeroCompleted',
  'scaleToZeroStarted',
  'scaleToZeroCompleted',
];
