/**
 * What the broker counts while it serves. Plain numbers, changed on the event loop: counting costs
 * nothing that a request would notice, and whoever publishes them reads them from time to time.
 */

/** Upper bounds in milliseconds; the last bucket has none. */
export const latencyBucketsMs: readonly number[] = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000,
];

/** How long something took, as counts per bucket. */
export class LatencyHistogram {
  /** One more than the bounds: the last counts what was slower than all of them. */
  readonly counts: number[] = new Array<number>(latencyBucketsMs.length + 1).fill(0);
  sumMs = 0;
  count = 0;

  observe(durationMs: number): void {
    let index = 0;
    while (index < latencyBucketsMs.length && durationMs > latencyBucketsMs[index]!) index += 1;
    this.counts[index]! += 1;
    this.sumMs += durationMs;
    this.count += 1;
  }
}

export class BrokerProbe {
  /** By the name of the API. */
  readonly requestsTotal = new Map<string, number>();
  /** Refusals by the name of the error; of produce and fetch one per partition. */
  readonly errorsTotal = new Map<string, number>();
  readonly produceLatency = new LatencyHistogram();
  readonly fetchLatency = new LatencyHistogram();
  producedBatchesTotal = 0;
  producedBytesTotal = 0;
  producedRecordsTotal = 0;
  fetchedBytesTotal = 0;

  countRequest(api: string): void {
    this.requestsTotal.set(api, (this.requestsTotal.get(api) ?? 0) + 1);
  }

  countError(error: string): void {
    this.errorsTotal.set(error, (this.errorsTotal.get(error) ?? 0) + 1);
  }
}
