/**
 * The values of a benchmark: eight bytes of sequence number, then bytes that follow from it, so that
 * whoever reads them can check every byte. Making one costs a copy, no random number per byte.
 */

const FILLER_BYTES = 1 << 20;
const SEQUENCE_BYTES = 8;
/** A prime, so that neighbours begin at different places of the filler. */
const STRIDE = 7919;

export class NumberedRecords {
  readonly valueBytes: number;
  readonly #filler: Buffer;
  readonly #span: number;

  /** @param valueBytes size of each value, 8 to 1 MiB. */
  constructor(valueBytes: number) {
    this.valueBytes = valueBytes;
    this.#span = FILLER_BYTES - valueBytes;
    this.#filler = Buffer.allocUnsafe(FILLER_BYTES);
    let state = 42;
    for (let index = 0; index < FILLER_BYTES; index += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      this.#filler[index] = state >>> 24;
    }
  }

  /** Writes the value of `sequence` into `target`, which is `valueBytes` long. */
  write(target: Buffer, sequence: number): void {
    target.writeUInt32LE(sequence >>> 0, 0);
    target.writeUInt32LE(Math.floor(sequence / 2 ** 32), 4);
    const start = this.#start(sequence);
    this.#filler.copy(target, SEQUENCE_BYTES, start, start + this.valueBytes - SEQUENCE_BYTES);
  }

  /** @returns the sequence number of a sound value, -1 for anything else. */
  read(value: Buffer | null): number {
    if (value === null || value.length !== this.valueBytes) return -1;
    const sequence = value.readUInt32LE(0) + value.readUInt32LE(4) * 2 ** 32;
    const start = this.#start(sequence);
    const end = start + this.valueBytes - SEQUENCE_BYTES;
    const isSound = this.#filler.compare(value, SEQUENCE_BYTES, this.valueBytes, start, end) === 0;
    return isSound ? sequence : -1;
  }

  #start(sequence: number): number {
    return (sequence * STRIDE) % this.#span;
  }
}
