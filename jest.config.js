export default {
  projects: [
    '<rootDir>/packages/*',
    '<rootDir>/examples/*',
    '<rootDir>/tools/chaos',
    '<rootDir>/tools/command',
    '<rootDir>/tools/demo',
    '<rootDir>/tools/system',
    '<rootDir>/tools/bench',
    '<rootDir>/tools/images',
    '<rootDir>/tools/release',
    '<rootDir>/tools/house',
  ],
  testTimeout: 20_000,
  // Many tests wait for sockets and processes: on two processors Jest itself would run one file at a time.
  maxWorkers: '100%',
};
