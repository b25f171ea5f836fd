/** What the data path takes of memory, in bytes, by what it is for. Plain numbers: the hot path counts too. */
export class Ledger {
  /** Outlives the requests that it tells of. */
  kept = 0;
}
