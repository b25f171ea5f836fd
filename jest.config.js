export default {
  projects: [
    '<rootDir>/packages/*',
    '<rootDir>/examples/*',
    '<rootDir>/tools/chaos',
    '<rootDir>/tools/demo',
    '<rootDir>/tools/e2e',
    '<rootDir>/tools/bench',
  ],
  testTimeout: 20_000,
};
