/** What became of the records of one `produce`: counts, and failures by code. */

import { OdradekError } from '../../common/index.ts';

export class DeliveryTally {
  #acknowledged = 0;
  #failed = 0;
  #unknown = 0;
  #first: unknown;
  readonly #byCode = new Map<string, number>();

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Failed and unknown ones together. */
  get undelivered(): number {
    return this.#failed + this.#unknown;
  }

  acknowledge(): void {
    this.#acknowledged++;
  }

  fail(error: unknown): void {
    this.#first ??= error;
    if (isUnknownOutcome(error)) this.#unknown++;
    else this.#failed++;
    const code = error instanceof OdradekError ? error.code : 'INVALID_RECORD';
    this.#byCode.set(code, (this.#byCode.get(code) ?? 0) + 1);
  }

  /** @returns undefined where every record was acknowledged. */
  failure(): OdradekError | undefined {
    if (this.undelivered === 0) return undefined;
    const codes = [...this.#byCode].map(([code, count]) => `${code}: ${count}`).join(', ');
    const first = this.#first instanceof Error ? this.#first.message : String(this.#first);
    const message =
      `${this.#failed} records failed, ${this.#unknown} are unknown (${codes}), ` +
      `${this.#acknowledged} were acknowledged; the first failure: ${first}`;
    return new OdradekError('DELIVERIES_FAILED', message, {
      cause: this.#first,
      details: { failed: this.#failed, unknown: this.#unknown, codes: { ...this.#codes() } },
    });
  }

  #codes(): Record<string, number> {
    return Object.fromEntries(this.#byCode);
  }
}

function isUnknownOutcome(error: unknown): boolean {
  return error instanceof Error && 'outcomeUnknown' in error && error.outcomeUnknown === true;
}
