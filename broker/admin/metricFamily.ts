/** What a component publishes: plain numbers with a name, so that no component knows Prometheus. */

export interface MetricSample {
  readonly labels?: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels?: Readonly<Record<string, string | number>>;
  /** How many were observed per bucket, not cumulated; one more than the bounds. */
  readonly counts: readonly number[];
  /** Of all observed values. */
  readonly sum: number;
}

export type MetricFamily =
  | {
      readonly type: 'counter' | 'gauge';
      /** Snake case, unit last, a counter ends in `_total`: `odradek_produced_bytes_total`. */
      readonly name: string;
      readonly help: string;
      readonly samples: readonly MetricSample[];
    }
  | {
      readonly type: 'histogram';
      readonly name: string;
      readonly help: string;
      /** Upper bounds of the buckets, growing; the last bucket, without bound, is not listed. */
      readonly bounds: readonly number[];
      readonly samples: readonly HistogramSample[];
    };
