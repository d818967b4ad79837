/** Metric families in the text format of Prometheus, with those of the process itself. */

import { collectDefaultMetrics, Registry } from 'prom-client';
import type { MetricFamily } from './metricFamily.ts';

/** What prom-client asks of a metric that is registered with it. */
interface PublishedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: MetricFamily['type'];
  readonly values: readonly PublishedValue[];
  readonly aggregator: 'sum';
}

interface PublishedValue {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export class MetricsText {
  /** Memory, CPU, event loop and garbage collection, under prom-client's names. */
  readonly #process = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.#process });
  }

  get contentType(): string {
    return this.#process.contentType;
  }

  async render(families: readonly MetricFamily[]): Promise<string> {
    const registry = new Registry();
    for (const family of families) {
      const metric = publish(family);
      registry.registerMetric({ name: family.name, get: async () => metric } as never);
    }
    return `${await registry.metrics()}\n${await this.#process.metrics()}`;
  }
}

function publish(family: MetricFamily): PublishedMetric {
  const { name, help, type } = family;
  const values: readonly PublishedValue[] =
    family.type === 'histogram'
      ? family.samples.flatMap((sample) => histogramValues(family, sample))
      : family.samples.map(({ labels, value }) => ({ labels: labels ?? {}, value }));
  return { name, help, type, values, aggregator: 'sum' };
}

type Histogram = Extract<MetricFamily, { readonly type: 'histogram' }>;

/** Prometheus wants buckets cumulated, and the sum and count beside them. */
function histogramValues(
  { name, bounds }: Histogram,
  { labels = {}, counts, sum }: Histogram['samples'][number],
): readonly PublishedValue[] {
  let count = 0;
  const buckets = [...bounds, '+Inf'].map((le, index) => {
    count += counts[index] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
