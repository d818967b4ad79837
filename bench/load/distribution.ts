/** Percentiles of measured times, in whole microseconds. */

export interface Percentiles {
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

export class Distribution {
  readonly #values: Float64Array;
  #count = 0;

  /** @param capacity how many values will be added at most. */
  constructor(capacity: number) {
    this.#values = new Float64Array(capacity);
  }

  addMs(milliseconds: number): void {
    this.#values[this.#count++] = milliseconds;
  }

  percentiles(): Percentiles {
    const sorted = this.#values.subarray(0, this.#count).sort();
    const at = (share: number): number => {
      const index = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
      return Math.round((sorted[index] ?? 0) * 1000);
    };
    return {
      p50Us: at(0.5),
      p90Us: at(0.9),
      p99Us: at(0.99),
      p999Us: at(0.999),
      maxUs: at(1),
    };
  }
}
