/**
 * The number of the contract, which the apps and a scaler have to share. It is no package's version, and changes only where a
 * scaler that kept the contract before would not keep it any more. `scalerContract` in package.json says the same, to those
 * who ask before they import anything: docs/decisions/contract-number.md.
 */
export const contractVersion = '0.1';
