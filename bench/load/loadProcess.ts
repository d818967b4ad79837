/** Entry of a load process: one load, described by its argument; the result on stdout as JSON. */

import {
  consume,
  type ConsumeOptions,
  latency,
  type LatencyOptions,
  produce,
  type ProduceOptions,
} from './loads.ts';

export type Load =
  | { readonly kind: 'produce'; readonly options: ProduceOptions }
  | { readonly kind: 'consume'; readonly options: ConsumeOptions }
  | { readonly kind: 'latency'; readonly options: LatencyOptions };

const load = JSON.parse(process.argv[2] ?? '') as Load;
const result = await run(load);
process.stdout.write(`${JSON.stringify(result)}\n`);

function run(what: Load): Promise<unknown> {
  switch (what.kind) {
    case 'produce':
      return produce(what.options);
    case 'consume':
      return consume(what.options);
    case 'latency':
      return latency(what.options);
  }
}
