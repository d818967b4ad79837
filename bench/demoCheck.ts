/** Compares what the demo sent with what came back. */

export interface DemoResult {
  readonly input: number;
  readonly acknowledged: number;
  /** Records that came back, repeated ones included. */
  readonly read: number;
  /** Acknowledged, but never read. */
  readonly lost: number;
  /** Read more than once: each repetition counts. */
  readonly duplicates: number;
  /** Read for the first time after a later one of the same key. */
  readonly outOfOrder: number;
  readonly kills: number;
}

export class DemoCheck {
  readonly #acknowledged: Uint8Array;
  readonly #seen: Uint8Array;
  readonly #lastByKey = new Map<string, number>();
  #acknowledgedCount = 0;
  #read = 0;
  #duplicates = 0;
  #outOfOrder = 0;

  /** @param capacity records are numbered from 0 to below this. */
  constructor(capacity: number) {
    this.#acknowledged = new Uint8Array(capacity);
    this.#seen = new Uint8Array(capacity);
  }

  get acknowledgedCount(): number {
    return this.#acknowledgedCount;
  }

  get readCount(): number {
    return this.#read;
  }

  acknowledge(number: number): void {
    this.#acknowledgedCount += 1 - (this.#acknowledged[number] ?? 0);
    this.#acknowledged[number] = 1;
  }

  read(number: number, key: string): void {
    this.#read++;
    if (this.#seen[number] === 1) {
      this.#duplicates++;
      return;
    }
    this.#seen[number] = 1;
    if (number < (this.#lastByKey.get(key) ?? -1)) this.#outOfOrder++;
    else this.#lastByKey.set(key, number);
  }

  result(input: number, kills: number): DemoResult {
    const lost = this.#acknowledged.reduce(
      (count, acknowledged, number) => count + (acknowledged & ~(this.#seen[number] ?? 0)),
      0,
    );
    return {
      input,
      acknowledged: this.#acknowledgedCount,
      read: this.#read,
      lost,
      duplicates: this.#duplicates,
      outOfOrder: this.#outOfOrder,
      kills,
    };
  }
}

/** Nothing lost, repeated or out of order; unknown records only where a broker was killed. */
export function isSound(result: DemoResult): boolean {
  if (result.lost > 0 || result.duplicates > 0 || result.outOfOrder > 0) return false;
  return result.kills > 0 || result.acknowledged === result.input;
}
