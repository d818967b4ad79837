import { expect } from 'chai';
import { type ErrorName, ProtocolError } from '../../../protocol/index.ts';

/** Runs `action`, which must throw a ProtocolError with this code, and returns that error. */
export function expectProtocolError(code: ErrorName, action: () => unknown): ProtocolError {
  try {
    action();
  } catch (error) {
    expect(error).to.be.instanceOf(ProtocolError);
    expect((error as ProtocolError).code).to.equal(code);
    return error as ProtocolError;
  }
  throw new Error(`Expected ${code}, and nothing was thrown`);
}
