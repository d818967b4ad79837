/** Who an event belongs to: a process that may be frozen or dead when the time comes. */
export interface EventOwner {
  readonly name: string;
  readonly state: 'running' | 'frozen' | 'dead';
  /** Takes an event that came due while frozen; the owner schedules it again when it thaws. */
  hold(event: SimEvent): void;
}

/** One thing that will happen. */
export interface SimEvent {
  readonly timeMs: number;
  /** Random: decides among events of one instant. */
  readonly tiebreak: number;
  readonly sequence: number;
  readonly label: string;
  readonly owner: EventOwner | undefined;
  readonly run: () => void;
  cancelled: boolean;
}

/** Binary heap by (time, tiebreak, sequence): the order is total, so it never depends on layout. */
export class EventQueue {
  readonly #heap: SimEvent[] = [];

  get length(): number {
    return this.#heap.length;
  }

  peek(): SimEvent | undefined {
    return this.#heap[0];
  }

  push(event: SimEvent): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as SimEvent;
      if (!isBefore(event, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  pop(): SimEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && isBefore(heap[right] as SimEvent, heap[child] as SimEvent)) {
        child = right;
      }
      const below = heap[child] as SimEvent;
      if (!isBefore(below, last)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(left: SimEvent, right: SimEvent): boolean {
  if (left.timeMs !== right.timeMs) return left.timeMs < right.timeMs;
  if (left.tiebreak !== right.tiebreak) return left.tiebreak < right.tiebreak;
  return left.sequence < right.sequence;
}
