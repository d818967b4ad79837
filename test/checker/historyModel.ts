/**
 * A history as columns of numbers: what was sent, which place shows which value, what was read
 * after what. Built line by line; the rules look at it when all lines are in.
 *
 * A *place* is an offset of a partition that is known to hold a value: by a poll, or by an
 * acknowledgement with acks "all". An acknowledgement with less proves no place, since the record
 * may be gone with its leader.
 */

import { IntList } from './growingList.ts';
import {
  ACKS_ALL,
  FAIL,
  IDEMPOTENT,
  INFO,
  newOperations,
  newPlaces,
  newReads,
  newValues,
  OK,
  OPEN,
  OPERATION_KINDS,
  ORDERED,
  type Partition,
  REPEATABLE,
  SEEN,
  SEEN_COMMITTED,
  SEEN_FINAL,
  SUBSCRIBED,
  UNCOMMITTED_READ,
  WITHIN_OPERATION,
} from './historyColumns.ts';
import { HistoryError } from './historyError.ts';
import type {
  HistoryLine,
  PolledRecords,
  ProcessName,
  ReadMode,
  RecordName,
  StepsLine,
} from './historyLine.ts';
import { PollPositions } from './pollPositions.ts';
import { isOutcomeUnknown } from './unknownOutcome.ts';

const POLL = OPERATION_KINDS.indexOf('poll');
const TXN = OPERATION_KINDS.indexOf('txn');

export class HistoryModel {
  lineCount = 0;
  readonly operations = newOperations();
  /** Values in the order in which they were invoked. */
  readonly sends = new IntList();
  readonly values = newValues();
  readonly places = newPlaces();
  readonly reads = newReads();
  readonly partitions: Partition[] = [];
  /** Further values that a place was seen with. */
  readonly conflicts = new Map<number, Map<number, { readonly line: number }>>();
  /** Further places of a value: pairs of value and place. */
  readonly repeated: { readonly value: number; readonly place: number; readonly line: number }[] =
    [];

  readonly #partitionIds = new Map<string, number>();
  readonly #valueIds = new Map<RecordName, number>();
  readonly #processIds = new Map<ProcessName, number>();
  readonly #sessions: number[] = [];
  readonly #open = new Map<number, number>();
  readonly #positions = new PollPositions();
  readonly #excused = new Set<string>();

  /** @throws {HistoryError} where the line contradicts those before it. */
  add(line: HistoryLine): void {
    this.lineCount += 1;
    if (isStepsLine(line)) {
      if (line.type === 'invoke') this.#invoke(line);
      else this.#complete(line);
      return;
    }
    if (line.type !== 'invoke' && line.type !== 'fail') this.#change(line);
  }

  /** Whether the partition may lose or change records. */
  isExcused(partition: number): boolean {
    if (this.#excused.size === 0) return false;
    const { name } = this.partitions[partition]!;
    return this.#excused.has(name) || this.#excused.has(name.slice(0, name.lastIndexOf('-')));
  }

  /** Aborted, or of unknown end and never read as committed. */
  isUncommitted(value: number): boolean {
    const operation = this.values.operation.at(value);
    if (operation < 0 || this.operations.kind.at(operation) !== TXN) return false;
    const state = this.operations.state.at(operation);
    return state === FAIL || (state !== OK && !this.values.bits.has(value, SEEN_COMMITTED));
  }

  isTransactional(operation: number): boolean {
    return this.operations.kind.at(operation) === TXN;
  }

  isPoll(operation: number): boolean {
    return this.operations.kind.at(operation) === POLL;
  }

  /** Lines of the operation that sent the value: invoked and, if it was, completed. */
  sendLines(value: number): number[] {
    const operation = this.values.operation.at(value);
    return operation < 0 ? [] : this.operationLines(operation);
  }

  operationLines(operation: number): number[] {
    const invoked = this.operations.invokeLine.at(operation);
    const ended = this.operations.endLine.at(operation);
    return ended === 0 || ended === invoked ? [invoked] : [invoked, ended];
  }

  #invoke(line: StepsLine): void {
    if (this.#open.has(line.i)) this.#fail(`operation ${line.i} is under way already`);
    this.#open.set(line.i, this.#begin(line));
  }

  #begin(line: StepsLine): number {
    const { acks = 'all', idempotent = true, ordered = true } = line;
    const bits =
      (acks === 'all' ? ACKS_ALL : 0) |
      (idempotent ? IDEMPOTENT : REPEATABLE) |
      (ordered && acks !== 0 ? ORDERED : 0);
    const process = this.#processId(line.process);
    const { operations } = this;
    const operation = operations.kind.push(OPERATION_KINDS.indexOf(line.f));
    operations.process.push(process);
    operations.session.push(this.#sessions[process]!);
    operations.state.push(OPEN);
    operations.bits.push(bits);
    operations.invokeLine.push(this.lineCount);
    operations.endLine.push(0);
    operations.firstSend.push(this.sends.length);
    if (line.type === 'invoke') {
      for (const step of line.value) {
        if (step[0] === 'send') this.#send(operation, step[1], step[2]);
      }
    }
    return operation;
  }

  #send(operation: number, partition: string | null, name: RecordName): void {
    const { values } = this;
    const value = this.#valueId(name);
    if (values.operation.at(value) >= 0) {
      this.#fail(`the value ${JSON.stringify(name)} is sent a second time`);
    }
    values.operation.set(value, operation);
    if (partition !== null) values.partition.set(value, this.#partitionId(partition));
    this.sends.push(value);
  }

  #complete(line: StepsLine): void {
    let operation = this.#open.get(line.i);
    if (operation === undefined) {
      // What a poll returned is evidence also where its begin was not written down.
      if (line.f !== 'poll') this.#fail(`operation ${line.i} completes and is not under way`);
      operation = this.#begin(line);
    }
    this.#open.delete(line.i);
    const { operations } = this;
    if (OPERATION_KINDS[operations.kind.at(operation)] !== line.f) {
      this.#fail(`operation ${line.i} completes as ${line.f} and was invoked as another`);
    }
    const state = stateOf(line);
    operations.state.set(operation, state);
    operations.endLine.set(operation, this.lineCount);
    if (line.possiblyDuplicated === false) operations.bits.clear(operation, REPEATABLE);
    const polls: PolledRecords[] = [];
    for (const step of line.value) {
      if (step[0] === 'poll') {
        if (step[1] !== undefined) polls.push(step[1]);
      } else if (step[1] !== null && step[3] !== undefined) {
        this.#acknowledge(operation, { partition: step[1], name: step[2], offset: step[3] });
      } else {
        this.#sentBy(operation, step[2]);
      }
    }
    if (line.f !== 'send') this.#poll(operation, line, polls);
  }

  #sentBy(operation: number, name: RecordName): number {
    const value = this.#valueIds.get(name);
    if (value === undefined || this.values.operation.at(value) !== operation) {
      this.#fail(`the value ${JSON.stringify(name)} completes and was not sent by this operation`);
    }
    return value;
  }

  #acknowledge(
    operation: number,
    sent: { readonly partition: string; readonly name: RecordName; readonly offset: number | null },
  ): void {
    const { values, operations } = this;
    const value = this.#sentBy(operation, sent.name);
    const partition = this.#partitionId(sent.partition);
    values.acknowledgedPartition.set(value, partition);
    if (sent.offset === null) return;
    values.acknowledgedOffset.set(value, sent.offset);
    if (operations.state.at(operation) !== OK || !operations.bits.has(operation, ACKS_ALL)) return;
    this.#show(partition, sent.offset, value);
  }

  #poll(operation: number, mode: StepsLine & ReadMode, polls: readonly PolledRecords[]): void {
    const isOk = this.operations.state.at(operation) === OK;
    const process = this.operations.process.at(operation);
    const rebalanced = new Set(mode.rebalance);
    if (!isOk) this.#positions.forget(process);
    for (const name of rebalanced) this.#positions.forget(process, this.#partitionId(name));
    const within = new Set<number>();
    const common =
      (this.#positions.isSubscribed(process) ? SUBSCRIBED : 0) |
      (mode.isolation === 'read_uncommitted' ? UNCOMMITTED_READ : 0);
    const seen =
      SEEN |
      (mode.isolation === 'read_uncommitted' ? 0 : SEEN_COMMITTED) |
      (isOk && mode.final === true ? SEEN_FINAL : 0);
    for (const records of polls) {
      for (const name of Object.keys(records)) {
        const partition = this.#partitionId(name);
        const state = this.partitions[partition]!;
        const isJudged = isOk && !rebalanced.has(name);
        if ((seen & SEEN_FINAL) !== 0) state.highestFinal ??= -1;
        for (const [offset, recordName] of records[name]!) {
          const value = this.#valueId(recordName);
          const previous = isJudged ? this.#positions.advance(process, partition, offset) : NaN;
          this.#read(operation, this.#show(partition, offset, value), {
            value,
            previous,
            bits: common | (within.has(partition) ? WITHIN_OPERATION : 0),
          });
          this.values.bits.mark(value, seen);
          if (offset > state.highestRead) state.highestRead = offset;
          if ((seen & SEEN_FINAL) !== 0 && offset > state.highestFinal!)
            state.highestFinal = offset;
          within.add(partition);
        }
      }
    }
  }

  #read(
    operation: number,
    place: number,
    read: { readonly value: number; readonly previous: number; readonly bits: number },
  ): void {
    this.reads.operation.push(operation);
    this.reads.value.push(read.value);
    this.reads.place.push(place);
    this.reads.previous.push(read.previous);
    this.reads.bits.push(read.bits);
  }

  /** @returns the place, which is now known to hold the value. */
  #show(partition: number, offset: number, value: number): number {
    const { places } = this;
    const known = this.partitions[partition]!.places;
    let place = known.get(offset);
    if (place === undefined) {
      place = places.partition.push(partition);
      places.offset.push(offset);
      places.value.push(value);
      places.line.push(this.lineCount);
      known.set(offset, place);
      this.#stands(value, place);
    } else if (places.value.at(place) !== value) {
      const others = this.conflicts.get(place) ?? new Map<number, { readonly line: number }>();
      this.conflicts.set(place, others);
      if (!others.has(value)) {
        others.set(value, { line: this.lineCount });
        this.#stands(value, place);
      }
    }
    return place;
  }

  /** Called once for each pair of value and place. */
  #stands(value: number, place: number): void {
    const { values, places } = this;
    const first = values.place.at(value);
    if (first < 0) {
      values.place.set(value, place);
      return;
    }
    this.repeated.push({ value, place, line: this.lineCount });
    const isEarlier =
      places.partition.at(place) === places.partition.at(first) &&
      places.offset.at(place) < places.offset.at(first);
    if (isEarlier) values.place.set(value, place);
  }

  #change(line: Exclude<HistoryLine, StepsLine>): void {
    const process = this.#processId(line.process);
    switch (line.f) {
      case 'assign':
        this.#positions.assign(
          process,
          line.value.map((name) => this.#partitionId(name)),
        );
        return;
      case 'subscribe':
        this.#positions.subscribe(process);
        return;
      case 'seek':
        for (const [name, offset] of Object.entries(line.value)) {
          this.#positions.seek(process, this.#partitionId(name), offset);
        }
        return;
      case 'trim':
        for (const [name, offset] of Object.entries(line.value)) {
          const partition = this.partitions[this.#partitionId(name)]!;
          partition.trimmedTo = Math.max(partition.trimmedTo, offset ?? 0);
        }
        return;
      case 'excuse':
        for (const name of line.value) this.#excused.add(name);
        return;
      case 'crash':
        this.#sessions[process]! += 1;
        this.#positions.forget(process);
        return;
      case 'note':
        return;
    }
  }

  #partitionId(name: string): number {
    const known = this.#partitionIds.get(name);
    if (known !== undefined) return known;
    this.#partitionIds.set(name, this.partitions.length);
    const partition = { name, places: new Map(), highestRead: -1, trimmedTo: 0 };
    return this.partitions.push({ ...partition, highestFinal: undefined }) - 1;
  }

  #processId(name: ProcessName): number {
    const known = this.#processIds.get(name);
    if (known !== undefined) return known;
    const process = this.#processIds.size;
    this.#processIds.set(name, process);
    this.#sessions.push(0);
    return process;
  }

  #valueId(name: RecordName): number {
    const known = this.#valueIds.get(name);
    if (known !== undefined) return known;
    const { values } = this;
    const value = values.names.push(name) - 1;
    values.operation.push(-1);
    values.partition.push(-1);
    values.acknowledgedPartition.push(-1);
    values.acknowledgedOffset.push(NaN);
    values.place.push(-1);
    values.bits.push(0);
    this.#valueIds.set(name, value);
    return value;
  }

  #fail(fault: string): never {
    throw new HistoryError(this.lineCount, fault);
  }
}

function isStepsLine(line: HistoryLine): line is StepsLine {
  return line.f === 'send' || line.f === 'poll' || line.f === 'txn';
}

function stateOf({ type, error }: StepsLine): number {
  if (type === 'ok') return OK;
  return type === 'fail' && !isOutcomeUnknown(error) ? FAIL : INFO;
}
