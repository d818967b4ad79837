/**
 * What the operating system knows about processes, for the lock of a data directory: Node has no
 * flock, so a lock file names its holder and this tells whether that holder still runs.
 */

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to the start of the process: tells a reused pid from the holder. */
  readonly startTicks: number;
  /** Changes with every boot of the machine. */
  readonly bootId: string;
}

export interface Host {
  /** This process. */
  readonly self: ProcessIdentity;
  /** Host name, for log lines and znodes. */
  readonly name: string;
  /** Whether exactly that process, not another one with its pid, is still running. */
  isRunning(identity: ProcessIdentity): boolean;
  /** Pid of another process that holds a POSIX lock on the file (as Kafka's `.lock`), if any. */
  posixLockHolder(path: string): number | undefined;
}
