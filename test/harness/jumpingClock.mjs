/**
 * Loaded into a process under test by `node --import`: its wall clock runs ahead of the real one by
 * the milliseconds in the file that ODRADEK_TEST_CLOCK names. The monotonic clock is left alone, as
 * it is when somebody sets the clock of a machine.
 */

import { readFileSync } from 'node:fs';

const POLL_MS = 20;
const file = process.env.ODRADEK_TEST_CLOCK;
const RealDate = Date;
let offsetMs = 0;

function read() {
  const value = Number(readFileSync(file, 'utf8').trim());
  if (Number.isFinite(value)) offsetMs = value;
}

class JumpingDate extends RealDate {
  constructor(...values) {
    if (values.length === 0) super(JumpingDate.now());
    else super(...values);
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
}

if (file !== undefined) {
  read();
  setInterval(read, POLL_MS).unref();
  globalThis.Date = JumpingDate;
}
