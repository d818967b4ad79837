/** One line on a terminal that tells how far long work is; nothing where stderr is no terminal. */

const REDRAW_MS_MIN = 100;
const BAR_WIDTH = 24;

export interface ProgressState {
  readonly done: number;
  /** Absent where nobody knows how much there is. */
  readonly total?: number;
  /** Shown behind the numbers. */
  readonly note?: string;
}

export class Progress {
  readonly #label: string;
  readonly #enabled: boolean;
  readonly #startedMs = performance.now();
  #drawnMs = -Infinity;
  #drawn = false;

  constructor(label: string, options: { readonly enabled?: boolean } = {}) {
    this.#label = label;
    this.#enabled = (options.enabled ?? true) && process.stderr.isTTY === true;
  }

  /** Draws, at most ten times a second. */
  update(state: ProgressState): void {
    if (!this.#enabled) return;
    const nowMs = performance.now();
    if (nowMs - this.#drawnMs < REDRAW_MS_MIN) return;
    this.#drawnMs = nowMs;
    this.#drawn = true;
    const columns = (process.stderr.columns ?? 80) - 1;
    const text = formatProgress(this.#label, state, (nowMs - this.#startedMs) / 1000);
    process.stderr.write(`\r\x1b[K${text.slice(0, columns)}`);
  }

  /** Removes the line. Idempotent. */
  end(): void {
    if (this.#drawn) process.stderr.write('\r\x1b[K');
    this.#drawn = false;
  }
}

/** @param seconds since the work began */
export function formatProgress(label: string, state: ProgressState, seconds: number): string {
  const { done, total, note } = state;
  const rate = seconds > 0 ? Math.round(done / seconds) : 0;
  const count = total === undefined ? group(done) : `${group(done)} of ${group(total)}`;
  const parts = [`${count} records`, `${group(rate)}/s`];
  if (note !== undefined) parts.push(note);
  const bar = total === undefined ? '' : ` ${formatBar(total === 0 ? 1 : done / total)}`;
  return `${label}${bar} ${parts.join(', ')}`;
}

function formatBar(share: number): string {
  const filled = Math.round(Math.min(1, share) * BAR_WIDTH);
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
}

/** 1234567 as 1,234,567. */
function group(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
