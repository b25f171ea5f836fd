/** The contract's version. A scaler made for another major (below 1.0: another minor) is refused at start. */
export const contractVersion = '0.1.0';
