/** ListOffsets and OffsetForLeaderEpoch: where a partition begins, ends, and parts from another. */

import { leaderEpoch as toLeaderEpoch } from '../../../common/index.ts';
import { listOffsets } from '../../api/index.ts';
import type { KafkaCall } from '../kafkaCall.ts';
import { failureOf, kafkaCode, kafkaErrorCode } from '../kafkaErrors.ts';
import type { KafkaParts } from '../kafkaParts.ts';
import { LeaderHints } from '../leaderHints.ts';
import { type KafkaResponse, kafkaListOffsets, kafkaOffsetForLeaderEpoch } from '../wire/index.ts';
import { on, type Registration } from './registry.ts';

type ListOffsetsCall = KafkaCall<typeof kafkaListOffsets>;
type Found = KafkaResponse<typeof kafkaListOffsets>['topics'][number]['partitions'][number];
type EpochsCall = KafkaCall<typeof kafkaOffsetForLeaderEpoch>;
type WantedEpoch = EpochsCall['body']['topics'][number]['partitions'][number];
type EpochEnd = KafkaResponse<
  typeof kafkaOffsetForLeaderEpoch
>['topics'][number]['partitions'][number];

const EARLIEST = -2;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
/** First version that knows each special timestamp. */
const SPECIAL_SINCE: ReadonlyMap<number, number> = new Map([
  [-1, 1],
  [-2, 1],
  [-3, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
]);

export function offsetHandlers(parts: KafkaParts): readonly Registration[] {
  return [
    on(kafkaListOffsets, (call) => answerListOffsets(parts, call)),
    on(kafkaOffsetForLeaderEpoch, (call) => answerEpochs(parts, call)),
  ];
}

async function answerListOffsets(
  { replicas, image }: KafkaParts,
  call: ListOffsetsCall,
): Promise<void> {
  const { isolationLevel, topics } = call.body;
  const hints = new LeaderHints(image);
  const asked = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((wanted) => ({
      index: wanted.partitionIndex,
      leaderEpoch: wanted.currentLeaderEpoch,
      // Nothing is tiered: what is local begins where everything does.
      timestamp: wanted.timestamp === EARLIEST_LOCAL ? EARLIEST : wanted.timestamp,
    })),
  }));
  const found = await listOffsets(
    {
      isolationLevel,
      topics: asked.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((it) =>
          it.timestamp < -3 ? { ...it, timestamp: EARLIEST } : it,
        ),
      })),
    },
    replicas,
  );
  call.respond({
    topics: found.topics.map(({ name, partitions }, t) => ({
      name,
      partitions: partitions.map((result, p): Found => {
        const timestamp = topics[t]?.partitions[p]?.timestamp ?? 0;
        const { index } = result;
        const none = { partitionIndex: index, timestamp: -1, offset: -1, leaderEpoch: -1 };
        if (timestamp < 0 && call.apiVersion < (SPECIAL_SINCE.get(timestamp) ?? Infinity)) {
          return { ...none, errorCode: kafkaErrorCode('UNSUPPORTED_VERSION') };
        }
        const code = kafkaCode(hints.errorFor(name, index, result.errorCode));
        if (code === 0 && timestamp === LATEST_TIERED) return { ...none, errorCode: 0 };
        const { offset, leaderEpoch } = result;
        return { ...none, errorCode: code, timestamp: result.timestamp, offset, leaderEpoch };
      }),
    })),
  });
}

function answerEpochs(parts: KafkaParts, call: EpochsCall): void {
  const hints = new LeaderHints(parts.image);
  call.respond({
    topics: call.body.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((wanted) => epochEnd(parts, hints, topic, wanted)),
    })),
  });
}

function epochEnd(
  { replicas }: KafkaParts,
  hints: LeaderHints,
  topic: string,
  wanted: WantedEpoch,
): EpochEnd {
  const index = wanted.partition;
  try {
    const partition = replicas.partition(topic, index);
    partition.checkLeader(wanted.currentLeaderEpoch);
    const end =
      wanted.leaderEpoch < 0 || wanted.leaderEpoch > partition.leaderEpoch
        ? undefined
        : partition.log.endOffsetFor(toLeaderEpoch(wanted.leaderEpoch));
    const leaderEpoch = end?.epoch ?? -1;
    return { errorCode: 0, partition: index, leaderEpoch, endOffset: end?.endOffset ?? -1 };
  } catch (error) {
    const { errorCode } = failureOf(error);
    const code = hints.errorFor(topic, index, errorCode);
    return { errorCode: code, partition: index, leaderEpoch: -1, endOffset: -1 };
  }
}
