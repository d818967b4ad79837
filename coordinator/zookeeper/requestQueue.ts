/**
 * Requests on their way to ZooKeeper: at most so many on the wire, the others in line, each with a
 * deadline. The client library's own queue loses what waits in it when the session expires.
 */

import {
  type CoordinatorConnection,
  CoordinatorError,
  type Timer,
  type Timers,
} from '../../common/index.ts';

export interface RequestQueueOptions {
  readonly outstandingMax: number;
  readonly timeoutMs: number;
}

interface Request {
  /** For error messages: `getData "/a"`. */
  readonly what: string;
  readonly retried: boolean;
  readonly start: (connection: CoordinatorConnection) => Promise<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
  settled: boolean;
}

/** Above this a caller is out of hand, and more memory would not help it. */
const QUEUED_MAX = 200_000;
/** A read that was lost while the connection seems to stand waits this long before the next try. */
const RETRY_DELAY_MS = 100;

export class RequestQueue {
  readonly #timers: Timers;
  readonly #options: RequestQueueOptions;
  /** In line. Invariant: nothing here is on the wire. */
  #waiting: Request[] = [];
  /** Everything in `#waiting` before this index has left the line. */
  #head = 0;
  readonly #inFlight = new Set<Request>();
  #connection: CoordinatorConnection | undefined;

  constructor(timers: Timers, options: RequestQueueOptions) {
    this.#timers = timers;
    this.#options = options;
  }

  /** The connection stands: what waits may go. */
  attach(connection: CoordinatorConnection): void {
    this.#connection = connection;
    this.#pump();
  }

  /** The connection is gone: what comes now waits. */
  detach(): void {
    this.#connection = undefined;
  }

  /**
   * Runs `start` once the connection stands and there is room.
   *
   * @param options.retried whether to repeat it after a lost connection: reads, never plain writes.
   * @throws {CoordinatorError} CONNECTION_LOSS after the deadline or, of a write, when the
   *   connection is lost; SESSION_EXPIRED; whatever ZooKeeper answers.
   */
  submit<Result>(
    start: (connection: CoordinatorConnection) => Promise<Result>,
    options: { readonly what: string; readonly retried: boolean },
  ): Promise<Result> {
    if (this.#waiting.length - this.#head >= QUEUED_MAX) {
      return Promise.reject(
        new CoordinatorError('OTHER', `${options.what}: ${QUEUED_MAX} requests wait already`),
      );
    }
    return new Promise<Result>((resolve, reject) => {
      const request: Request = {
        ...options,
        start,
        resolve: resolve as (result: unknown) => void,
        reject,
        timer: this.#timers.set(this.#options.timeoutMs, () => this.#onDeadline(request)),
        settled: false,
      };
      this.#waiting.push(request);
      this.#pump();
    });
  }

  /** Rejects all that waits and all that is on the wire. */
  rejectAll(error: CoordinatorError): void {
    const all = [...this.#inFlight, ...this.#waiting.slice(this.#head)];
    this.#waiting = [];
    this.#head = 0;
    this.#inFlight.clear();
    for (const request of all) this.#settle(request, () => request.reject(error));
  }

  #pump(): void {
    while (this.#connection !== undefined && this.#inFlight.size < this.#options.outstandingMax) {
      const request = this.#takeFirst();
      if (request === undefined) break;
      this.#send(request, this.#connection);
    }
  }

  #takeFirst(): Request | undefined {
    for (;;) {
      const request = this.#waiting[this.#head];
      if (request === undefined) {
        this.#waiting = [];
        this.#head = 0;
        return undefined;
      }
      this.#head += 1;
      if (this.#head >= 1_024 && this.#head * 2 > this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#head);
        this.#head = 0;
      }
      if (!request.settled) return request;
    }
  }

  #putFirst(request: Request): void {
    if (this.#head > 0) this.#waiting[--this.#head] = request;
    else this.#waiting.unshift(request);
  }

  #send(request: Request, connection: CoordinatorConnection): void {
    this.#inFlight.add(request);
    request.start(connection).then(
      (result) => {
        this.#inFlight.delete(request);
        this.#settle(request, () => request.resolve(result));
        this.#pump();
      },
      (error: Error) => {
        this.#inFlight.delete(request);
        if (request.retried && !request.settled && isConnectionLoss(error)) this.#again(request);
        else this.#settle(request, () => request.reject(error));
        this.#pump();
      },
    );
  }

  /** Puts a lost read back in line. */
  #again(request: Request): void {
    if (this.#connection === undefined) {
      this.#putFirst(request);
      return;
    }
    // The connection has not been reported lost: without a pause this would be a busy loop.
    this.#timers.set(RETRY_DELAY_MS, () => {
      this.#putFirst(request);
      this.#pump();
    });
  }

  #onDeadline(request: Request): void {
    const sent = this.#inFlight.has(request);
    const outcome = sent ? 'the outcome is unknown' : 'it was not sent';
    const error = new CoordinatorError(
      'CONNECTION_LOSS',
      `${request.what}: no answer from ZooKeeper within ${this.#options.timeoutMs} ms; ${outcome}`,
    );
    this.#settle(request, () => request.reject(error));
    while (this.#waiting[this.#head]?.settled === true) this.#head += 1;
  }

  #settle(request: Request, settle: () => void): void {
    if (request.settled) return;
    request.settled = true;
    request.timer.cancel();
    settle();
  }
}

function isConnectionLoss(error: Error): boolean {
  return error instanceof CoordinatorError && error.code === 'CONNECTION_LOSS';
}
