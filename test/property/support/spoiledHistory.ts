/** Ways to break one promise in a history, each with the anomaly that must then be found. */

import type {
  AnomalyKind,
  HistoryLine,
  PolledRecords,
  RecordName,
  StepsLine,
} from '../../checker/index.ts';

export interface Spoiler {
  readonly kind: AnomalyKind;
  /** A stronger one that the same fault may show instead. */
  readonly stronger?: AnomalyKind;
  /** @returns the lines with one fault, or undefined where they give no occasion. */
  readonly spoil: (
    lines: readonly HistoryLine[],
    pick: number,
  ) => readonly HistoryLine[] | undefined;
}

interface Placed {
  readonly value: RecordName;
  readonly partition: string;
  readonly offset: number;
  /** Indexes of lines. */
  readonly invoked: number;
  readonly acknowledged: number;
}

export const spoilers: readonly Spoiler[] = [
  {
    kind: 'inconsistent-offsets',
    spoil: (lines, pick) => {
      const victim = choose(acknowledged(lines), pick);
      if (victim === undefined) return undefined;
      return append(lines, victim.partition, [[victim.offset, 'another']]);
    },
  },
  {
    kind: 'phantom-read',
    spoil: (lines) => append(lines, 'o-0', [[1_000_000, 'nobody-sent-this']]),
  },
  {
    kind: 'duplicate',
    spoil: (lines, pick) => {
      const victim = choose(acknowledged(lines), pick);
      if (victim === undefined) return undefined;
      return append(lines, victim.partition, [[1_000_000, victim.value]]);
    },
  },
  {
    kind: 'wrong-partition',
    spoil: (lines, pick) => {
      const victim = choose(acknowledged(lines), pick);
      return victim && append(lines, 'elsewhere-0', [[0, victim.value]]);
    },
  },
  {
    kind: 'lost-write',
    spoil: (lines, pick) => {
      const isLast = ({ partition, offset }: Placed) => offset === endOf(lines, partition);
      const victim = choose(
        acknowledged(lines).filter((placed) => !isLast(placed)),
        pick,
      );
      return victim && withoutReads(lines, ({ value }) => value === victim.value);
    },
  },
  {
    kind: 'unseen',
    spoil: (lines, pick) => {
      const victim = choose(acknowledged(lines), pick);
      if (victim === undefined) return undefined;
      const { partition, offset } = victim;
      return withoutReads(lines, (read) => read.partition === partition && read.offset >= offset);
    },
  },
  {
    kind: 'G1a',
    spoil: (lines, pick) => {
      const victim = choose(acknowledged(lines), pick);
      if (victim === undefined) return undefined;
      const failed = { ...lines[victim.acknowledged]!, type: 'fail', error: 'INVALID_RECORD' };
      return lines.with(victim.acknowledged, failed as HistoryLine);
    },
  },
  {
    kind: 'int-poll-skip',
    spoil: (lines, pick) => spoilPoll(lines, { pick, least: 3 }, (list) => list.toSpliced(1, 1)),
  },
  {
    kind: 'int-nonmonotonic-poll',
    spoil: (lines, pick) =>
      spoilPoll(lines, { pick, least: 2 }, ([first, second, ...rest]) => [
        second!,
        first!,
        ...rest,
      ]),
  },
  {
    kind: 'poll-skip',
    spoil: (lines, pick) => spoilPoll(lines, { pick, least: 2 }, (list) => list.slice(1)),
  },
  {
    kind: 'nonmonotonic-poll',
    spoil: (lines, pick) => {
      const read = choose(polls(lines, 1), pick);
      return read && lines.toSpliced(read.index + 1, 0, { ...lines[read.index]!, i: 1_000_000 });
    },
  },
  {
    kind: 'nonmonotonic-send',
    spoil: (lines, pick) => {
      const pairs = pairsOf(
        lines,
        (a, b) =>
          lines[a.invoked]!.process === lines[b.invoked]!.process &&
          !lines
            .slice(a.invoked, b.invoked)
            .some(({ f, process }) => f === 'crash' && process === lines[a.invoked]!.process),
      );
      return swapped(lines, choose(pairs, pick));
    },
  },
  {
    kind: 'G0-realtime',
    stronger: 'G0-process',
    spoil: (lines, pick) => {
      const pairs = pairsOf(
        lines,
        (a, b) =>
          lines[a.invoked]!.process !== lines[b.invoked]!.process && a.acknowledged < b.invoked,
      );
      return swapped(lines, choose(pairs, pick));
    },
  },
  {
    kind: 'G1c-realtime',
    spoil: (lines, pick) => {
      const victim = choose(acknowledged(lines), pick);
      if (victim === undefined) return undefined;
      const { partition, offset, value } = victim;
      return lines.toSpliced(victim.invoked, 0, pollLine(partition, [[offset, value]]));
    },
  },
];

function choose<Item>(items: readonly Item[], pick: number): Item | undefined {
  return items[pick % Math.max(1, items.length)];
}

/** Records that were acknowledged, by partition and offset. */
function acknowledged(lines: readonly HistoryLine[]): readonly Placed[] {
  const invoked = new Map<number, number>();
  const found: Placed[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.f !== 'send') continue;
    if (line.type === 'invoke') invoked.set(line.i, index);
    const [step] = line.value;
    if (line.type !== 'ok' || step?.[0] !== 'send' || step[1] === null) continue;
    found.push({
      value: step[2],
      partition: step[1],
      offset: step[3]!,
      invoked: invoked.get(line.i)!,
      acknowledged: index,
    });
  }
  return found.toSorted((a, b) => a.offset - b.offset);
}

/** Neighbours among the acknowledged, in one partition, that fulfil the condition. */
function pairsOf(
  lines: readonly HistoryLine[],
  fits: (earlier: Placed, later: Placed) => boolean,
): readonly (readonly [Placed, Placed])[] {
  const placed = acknowledged(lines);
  return placed.flatMap((a) => {
    const b = placed.find(
      ({ partition, offset }) => partition === a.partition && offset === a.offset + 1,
    );
    return b !== undefined && a.invoked < b.invoked && fits(a, b) ? [[a, b] as const] : [];
  });
}

/** As if the two records had changed places in the log: in acknowledgements and in all reads. */
function swapped(
  lines: readonly HistoryLine[],
  pair: readonly [Placed, Placed] | undefined,
): readonly HistoryLine[] | undefined {
  if (pair === undefined) return undefined;
  const [a, b] = pair;
  const other = new Map([
    [a.value, b.value],
    [b.value, a.value],
  ]);
  const offsets = new Map([
    [a.acknowledged, b.offset],
    [b.acknowledged, a.offset],
  ]);
  return lines.map((line, index) => {
    const offset = offsets.get(index);
    if (offset !== undefined) {
      const [step] = (line as StepsLine).value;
      return { ...line, value: [['send', step![1], step![2], offset]] } as HistoryLine;
    }
    return mapReads(line, (records) =>
      records.map(([at, value]) => [at, other.get(value) ?? value] as const),
    );
  });
}

type Reads = PolledRecords[string];

function mapReads(
  line: HistoryLine,
  map: (records: Reads, partition: string) => Reads,
): HistoryLine {
  if (line.f !== 'poll') return line;
  const value = line.value.map((step) => {
    if (step[0] !== 'poll' || step[1] === undefined) return step;
    const mapped = Object.entries(step[1]).map(([name, list]) => [name, map(list, name)]);
    return ['poll', Object.fromEntries(mapped)] as const;
  });
  return { ...line, value } as HistoryLine;
}

function withoutReads(
  lines: readonly HistoryLine[],
  isGone: (read: { partition: string; offset: number; value: RecordName }) => boolean,
): readonly HistoryLine[] {
  return lines.map((line) =>
    mapReads(line, (records, partition) =>
      records.filter(([offset, value]) => !isGone({ partition, offset, value })),
    ),
  );
}

/** Polls that returned so many records of a partition. */
function polls(
  lines: readonly HistoryLine[],
  least: number,
): readonly { readonly index: number; readonly partition: string }[] {
  return lines.flatMap((line, index) => {
    // What the final read alone saw, nobody knows to be missing from it.
    if (line.f !== 'poll' || line.final === true) return [];
    const [step] = line.value;
    if (step?.[0] !== 'poll' || step[1] === undefined) return [];
    return Object.entries(step[1])
      .filter(([, records]) => records.length >= least)
      .map(([partition]) => ({ index, partition }));
  });
}

function spoilPoll(
  lines: readonly HistoryLine[],
  { pick, least }: { readonly pick: number; readonly least: number },
  spoil: (records: Reads) => Reads,
): readonly HistoryLine[] | undefined {
  const read = choose(polls(lines, least), pick);
  if (read === undefined) return undefined;
  const spoiled = mapReads(lines[read.index]!, (records, partition) =>
    partition === read.partition ? spoil(records) : records,
  );
  return lines.with(read.index, spoiled);
}

function append(
  lines: readonly HistoryLine[],
  partition: string,
  records: Reads,
): readonly HistoryLine[] {
  return [...lines, pollLine(partition, records)];
}

function pollLine(partition: string, records: Reads): HistoryLine {
  const value = [['poll', { [partition]: records }]] as const;
  return { i: 2_000_000, process: 'witness', type: 'ok', f: 'poll', value };
}

/** Highest offset that the final read returned. */
function endOf(lines: readonly HistoryLine[], partition: string): number {
  const last = lines.at(-1) as StepsLine;
  const [step] = last.value;
  const records = (step?.[1] as PolledRecords | undefined)?.[partition] ?? [];
  return records.at(-1)?.[0] ?? -1;
}
