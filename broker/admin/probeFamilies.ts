/** The counters of the broker under the names that `/metrics` publishes. */

import { type BrokerProbe, type LatencyHistogram, latencyBucketsMs } from '../metrics/index.ts';
import type { MetricFamily } from './metricFamily.ts';

const boundsSeconds = latencyBucketsMs.map((boundMs) => boundMs / 1000);

export function probeFamilies(probe: BrokerProbe): readonly MetricFamily[] {
  return [
    perLabel('odradek_requests_total', 'Requests received, by API.', 'api', probe.requestsTotal),
    perLabel(
      'odradek_errors_total',
      'Refusals by error; of produce and fetch one per partition.',
      'error',
      probe.errorsTotal,
    ),
    latency(
      'odradek_produce_latency_seconds',
      'Time from a produce request to its response.',
      probe.produceLatency,
    ),
    latency(
      'odradek_fetch_latency_seconds',
      'Time from a fetch request to its response, waiting included.',
      probe.fetchLatency,
    ),
    counter(
      'odradek_produced_batches_total',
      'Record batches appended.',
      probe.producedBatchesTotal,
    ),
    counter(
      'odradek_produced_bytes_total',
      'Bytes of record batches appended.',
      probe.producedBytesTotal,
    ),
    counter('odradek_produced_records_total', 'Records appended.', probe.producedRecordsTotal),
    counter(
      'odradek_fetched_bytes_total',
      'Bytes of record batches sent.',
      probe.fetchedBytesTotal,
    ),
  ];
}

function counter(name: string, help: string, value: number): MetricFamily {
  return { type: 'counter', name, help, samples: [{ value }] };
}

function perLabel(
  name: string,
  help: string,
  label: string,
  values: ReadonlyMap<string, number>,
): MetricFamily {
  const samples = [...values].map(([key, value]) => ({ labels: { [label]: key }, value }));
  return { type: 'counter', name, help, samples };
}

function latency(name: string, help: string, histogram: LatencyHistogram): MetricFamily {
  const samples = [{ counts: histogram.counts, sum: histogram.sumMs / 1000 }];
  return { type: 'histogram', name, help, bounds: boundsSeconds, samples };
}
