/**
 * Writes of a controller. Every multi checks the version of /controller_epoch first, so that of a
 * deposed controller nothing is ever written:
 *
 *     1. controller A decides, then is paused for longer than its session lives
 *     2. B is elected: /controller_epoch gets a new version; B writes leader 2, epoch 6
 *     3. A wakes and sends leader 1, epoch 6: its check fails, and with it the whole multi
 *
 * Units are joined into multis of bounded size. One that fails is done without the unit that made it
 * fail, so that one bad partition does not block the others. After a lost connection what stands in
 * ZooKeeper is read and compared before anything is written again.
 */

import {
  assert,
  CoordinatorError,
  type CoordinatorWrite,
  type Logger,
  OdradekError,
  type Timers,
} from '../../common/index.ts';
import { controllerEpochZnode } from '../znodes/index.ts';
import type { CoordinatorSession } from '../zookeeper/session.ts';
import type { UnitResult, WriteUnit } from './controllerEvents.ts';

/** Another broker is the controller, or may be: whatever this one still wants, it may not. */
export class ControllerMovedError extends OdradekError {
  override readonly name = 'ControllerMovedError';

  constructor(message: string, cause?: unknown) {
    super('CONTROLLER_MOVED', message, cause === undefined ? {} : { cause });
  }
}

export interface CheckedWriterOptions {
  /** Version of /controller_epoch that our election made. */
  readonly epochVersion: number;
  /** Bytes of data and paths in one multi; ZooKeeper takes 1 MiB. Default 256 KiB. */
  readonly batchBytesMax?: number;
  /** Operations in one multi. Default 500. */
  readonly batchOperationsMax?: number;
}

type Operations = Pick<WriteUnit, 'operations'>;

interface Job {
  readonly operations: readonly CoordinatorWrite[];
  readonly index: number;
  /** An earlier try may have been applied: a refusal may then be our own work. */
  uncertain: boolean;
}

const RETRY_DELAY_MS = 100;

export class CheckedWriter {
  readonly #session: CoordinatorSession;
  readonly #timers: Timers;
  readonly #logger: Logger;
  readonly #options: Required<CheckedWriterOptions>;

  constructor(
    parts: {
      readonly session: CoordinatorSession;
      readonly timers: Timers;
      readonly logger: Logger;
    },
    options: CheckedWriterOptions,
  ) {
    this.#session = parts.session;
    this.#timers = parts.timers;
    this.#logger = parts.logger;
    this.#options = { batchBytesMax: 256 * 1024, batchOperationsMax: 500, ...options };
  }

  /**
   * Writes all units, in order. Waits for as long as ZooKeeper does not answer.
   *
   * @returns for each unit whether it was done.
   * @throws {ControllerMovedError} the rest is not to be done by us.
   */
  async write(units: readonly Operations[]): Promise<readonly UnitResult[]> {
    const results: (UnitResult | undefined)[] = units.map(() => undefined);
    for (const batch of this.#batches(units)) await this.#writeBatch(batch, results);
    return results.map((result) => {
      assert(result !== undefined, 'Every unit ends with a result');
      return result;
    });
  }

  #batches(units: readonly Operations[]): Job[][] {
    const batches: Job[][] = [];
    let batch: Job[] = [];
    let byteCount = 0;
    let operationCount = 0;
    for (const [index, { operations }] of units.entries()) {
      const bytes = operations.reduce((sum, operation) => sum + operationBytes(operation), 0);
      const full =
        byteCount + bytes > this.#options.batchBytesMax ||
        operationCount + operations.length > this.#options.batchOperationsMax;
      if (full && batch.length > 0) {
        batches.push(batch);
        batch = [];
        byteCount = 0;
        operationCount = 0;
      }
      batch.push({ operations, index, uncertain: false });
      byteCount += bytes;
      operationCount += operations.length;
    }
    if (batch.length > 0) batches.push(batch);
    return batches;
  }

  async #writeBatch(batch: readonly Job[], results: (UnitResult | undefined)[]): Promise<void> {
    let jobs = [...batch];
    while (jobs.length > 0) {
      const check = {
        type: 'check',
        path: controllerEpochZnode.path,
        version: this.#options.epochVersion,
      } as const;
      try {
        await this.#session.multi([check, ...jobs.flatMap(({ operations }) => operations)]);
        for (const { index } of jobs) results[index] = { ok: true };
        return;
      } catch (error) {
        if (!(error instanceof CoordinatorError)) throw error;
        jobs = await this.#afterFailure(jobs, results, error);
      }
    }
  }

  /** @returns the jobs that are still to be done. */
  async #afterFailure(
    jobs: Job[],
    results: (UnitResult | undefined)[],
    error: CoordinatorError,
  ): Promise<Job[]> {
    if (error.code === 'SESSION_EXPIRED') {
      throw new ControllerMovedError('The session is over, and /controller with it', error);
    }
    if (error.code === 'CONNECTION_LOSS') {
      const left = await this.#withoutApplied(jobs, results);
      for (const job of left) job.uncertain = true;
      if (left.length > 0) await this.#pause();
      return left;
    }
    if (error.failedIndex === 0) {
      throw new ControllerMovedError(
        '/controller_epoch has another version: we are deposed',
        error,
      );
    }
    const failed = jobOf(jobs, error.failedIndex);
    if (failed !== undefined) return this.#withoutFailed(jobs, results, { ...failed, error });
    const [only] = jobs;
    if (jobs.length === 1 && only !== undefined) {
      results[only.index] = refusal(error, undefined);
      return [];
    }
    // ZooKeeper did not say which: each half will tell.
    const middle = Math.ceil(jobs.length / 2);
    await this.#writeBatch(jobs.slice(0, middle), results);
    return jobs.slice(middle);
  }

  async #withoutFailed(
    jobs: Job[],
    results: (UnitResult | undefined)[],
    failed: { readonly job: Job; readonly within: number; readonly error: CoordinatorError },
  ): Promise<Job[]> {
    if (failed.job.uncertain) {
      const left = await this.#withoutApplied(jobs, results);
      for (const job of left) job.uncertain = job !== failed.job && job.uncertain;
      return left;
    }
    results[failed.job.index] = refusal(failed.error, failed.within);
    this.#logger.debug('A write of the controller was refused', { error: failed.error.message });
    return jobs.filter((job) => job !== failed.job);
  }

  /** Takes out the jobs whose work stands in ZooKeeper already. */
  async #withoutApplied(jobs: readonly Job[], results: (UnitResult | undefined)[]): Promise<Job[]> {
    const applied = await Promise.all(jobs.map((job) => this.#isApplied(job)));
    return jobs.filter((job, position) => {
      if (applied[position] === true) results[job.index] = { ok: true };
      return applied[position] !== true;
    });
  }

  /** A unit is done as a whole or not at all, so its last operation tells. */
  async #isApplied({ operations }: Job): Promise<boolean> {
    const last = operations.at(-1);
    assert(last !== undefined, 'A unit has operations');
    for (;;) {
      try {
        const content = await this.#session.getData(last.path);
        if (last.type === 'delete') return content === undefined;
        if (last.type === 'check' || content === undefined) return false;
        if (!content.data.equals(last.data)) return false;
        return last.type === 'create' || last.version === -1
          ? true
          : content.stat.version === last.version + 1;
      } catch (error) {
        if (!(error instanceof CoordinatorError) || error.code !== 'CONNECTION_LOSS') {
          throw new ControllerMovedError('ZooKeeper could not be asked what was written', error);
        }
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#timers.set(RETRY_DELAY_MS, resolve);
    });
  }
}

/** The job to which the operation of this index in the multi belongs; the check is index 0. */
function jobOf(
  jobs: readonly Job[],
  failedIndex: number | undefined,
): { job: Job; within: number } | undefined {
  if (failedIndex === undefined) return undefined;
  let first = 1;
  for (const job of jobs) {
    if (failedIndex < first + job.operations.length) return { job, within: failedIndex - first };
    first += job.operations.length;
  }
  return undefined;
}

function refusal(error: CoordinatorError, failedIndex: number | undefined): UnitResult {
  return { ok: false, code: error.code, message: error.message, failedIndex };
}

function operationBytes(operation: CoordinatorWrite): number {
  return 96 + operation.path.length + ('data' in operation ? operation.data.length : 0);
}
