/** A history that cannot be judged: it breaks the format, or contradicts itself. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';

  /** @param line its number in the history, from 1. */
  constructor(line: number, fault: string) {
    super(`line ${line}: ${fault}`);
  }
}
