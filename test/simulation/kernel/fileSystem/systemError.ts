import { constants } from 'node:os';

/** An error as Node's `fs` and `net` throw it. */
export function systemError(code: string, syscall: string, subject: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: simulated, ${syscall} '${subject}'`);
  error.code = code;
  error.syscall = syscall;
  error.errno = -(constants.errno[code as keyof typeof constants.errno] ?? 1);
  error.path = subject;
  return error;
}

/** What every operation of a crashed file system throws: the program is no more, let it unwind. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash';
}
