/**
 * What the cleaner does in worker threads: pure functions from bytes to bytes.
 *
 * `digestKeys`: whole batches in, one entry for each record of a batch that is not a control batch:
 *
 *     entry (32 bytes)   float64 offset   uint32 flags   uint32 0   16 bytes digest of the key
 *
 * `rewriteBatches`: a plan and the same batches in, the batches that stay out:
 *
 *     input   float64 delete horizon   uint32 bytes of modes   uint32 bytes of keeps
 *             a mode for each batch    a byte for each entry, 1 where the record stays   the batches
 *
 * Numbers have the byte order of the machine: they never leave the process.
 */

import { createHash } from 'node:crypto';
import {
  ProtocolError,
  RecordBatchView,
  RecordCursor,
  thinBatch,
  verifyBatch,
} from '../../../protocol/index.ts';

export const KEY_ENTRY_BYTES = 32;
export const HAS_KEY = 1;
export const IS_TOMBSTONE = 2;

/** What becomes of a batch. */
export const batchModes = {
  /** Copied as it is. */
  copy: 0,
  drop: 1,
  /** Written anew with the records that stay, and as a header where none does. */
  thin: 2,
  /** The same, with a delete horizon. */
  thinWithHorizon: 3,
} as const;

const DIGEST_BYTES = 16;
const PLAN_HEADER_BYTES = 16;
const ENTRIES_AT_FIRST = 1024;

export const digestKeysTask = { module: import.meta.url, function: 'digestKeys', parameter: 0 };

export const rewriteBatchesTask = {
  module: import.meta.url,
  function: 'rewriteBatches',
  parameter: 0,
};

/**
 * Runs in the worker.
 *
 * @param input whole batches.
 * @throws ProtocolError as `verifyBatch` has it, and as `RecordCursor`.
 */
export function digestKeys(input: Uint8Array): Uint8Array {
  let entries = new Uint8Array(ENTRIES_AT_FIRST * KEY_ENTRY_BYTES);
  let view = new DataView(entries.buffer);
  const batch = new RecordBatchView();
  const cursor = new RecordCursor();
  let at = 0;
  for (let position = 0; position < input.length; position = batch.end) {
    const fault = verifyBatch(input, position, { origin: 'log' });
    const { baseOffset } = batch.at(input, position);
    if (fault !== undefined) {
      throw new ProtocolError(fault.error, `The batch at offset ${baseOffset}: ${fault.message}`);
    }
    if (batch.isControl) continue;
    cursor.open(input, position);
    while (cursor.next()) {
      if (at === entries.length) {
        const larger = new Uint8Array(entries.length * 2);
        larger.set(entries);
        entries = larger;
        view = new DataView(entries.buffer);
      }
      const key = cursor.key();
      view.setFloat64(at, cursor.offset, IS_LITTLE_ENDIAN);
      let flags = 0;
      if (key !== null) {
        flags = cursor.value() === null ? HAS_KEY + IS_TOMBSTONE : HAS_KEY;
        const digest = createHash('sha256').update(key).digest();
        entries.set(digest.subarray(0, DIGEST_BYTES), at + KEY_ENTRY_BYTES - DIGEST_BYTES);
      }
      view.setUint32(at + 8, flags, IS_LITTLE_ENDIAN);
      at += KEY_ENTRY_BYTES;
    }
  }
  return entries.slice(0, at);
}

export interface RewritePlan {
  readonly deleteHorizonMs: number;
  /** One of `batchModes` for each batch. */
  readonly modes: Uint8Array;
  /** 1 for each record that stays, 0 for the others; control batches have none. */
  readonly keeps: Uint8Array;
}

export function encodeRewrite(plan: RewritePlan, batches: Uint8Array): Uint8Array {
  const { modes, keeps } = plan;
  const input = new Uint8Array(PLAN_HEADER_BYTES + modes.length + keeps.length + batches.length);
  const view = new DataView(input.buffer);
  view.setFloat64(0, plan.deleteHorizonMs, IS_LITTLE_ENDIAN);
  view.setUint32(8, modes.length, IS_LITTLE_ENDIAN);
  view.setUint32(12, keeps.length, IS_LITTLE_ENDIAN);
  input.set(modes, PLAN_HEADER_BYTES);
  input.set(keeps, PLAN_HEADER_BYTES + modes.length);
  input.set(batches, PLAN_HEADER_BYTES + modes.length + keeps.length);
  return input;
}

/** Runs in the worker. @param input as `encodeRewrite` makes it. @returns whole batches. */
export function rewriteBatches(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  const deleteHorizonMs = view.getFloat64(0, IS_LITTLE_ENDIAN);
  const keepsAt = PLAN_HEADER_BYTES + view.getUint32(8, IS_LITTLE_ENDIAN);
  const batchesAt = keepsAt + view.getUint32(12, IS_LITTLE_ENDIAN);
  const batch = new RecordBatchView();
  const written: Uint8Array[] = [];
  let recordAt = keepsAt;
  let modeAt = PLAN_HEADER_BYTES;
  for (let position = batchesAt; position < input.length; position = batch.end) {
    batch.at(input, position);
    const mode = input[modeAt];
    modeAt += 1;
    const firstRecordAt = recordAt;
    if (!batch.isControl) recordAt += batch.recordsCount;
    if (mode === batchModes.drop) continue;
    if (mode === batchModes.copy) {
      written.push(input.subarray(position, batch.end));
      continue;
    }
    written.push(
      thinBatch(input, position, {
        keeps: (recordIndex) => input[firstRecordAt + recordIndex] === 1,
        deleteHorizonMs: mode === batchModes.thinWithHorizon ? deleteHorizonMs : undefined,
      }),
    );
  }
  return new Uint8Array(Buffer.concat(written));
}

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
