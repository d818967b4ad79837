/**
 * What makes a transaction durable before anybody hears of it: appended to a file, synced together
 * with all others that came meanwhile, and from time to time folded into a snapshot.
 */

import { assert, type FileSystem, type Logger, type OpenFile } from '../../common/index.ts';
import { encodeJournalEntry, JOURNAL_HEADER_BYTES } from './journalFormat.ts';
import {
  createJournal,
  journalName,
  listFiles,
  recoverJournal,
  snapshotName,
} from './journalRecovery.ts';
import { encodeSnapshot } from './snapshotFormat.ts';
import type { Transaction } from './treeRequest.ts';
import type { ZnodeTree } from './znodeTree.ts';

export interface JournalOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly logger: Logger;
  /** A snapshot is taken when the journal has grown by this much since the last one. */
  readonly snapshotBytes: number;
  /** Transactions up to `zxid` are on disk. */
  readonly onDurable: (zxid: number) => void;
  /** The disk failed or is full. Nothing more will become durable. */
  readonly onFailure: (error: unknown) => void;
}

export class Journal {
  /** As recovered; the owner applies requests to it and appends what succeeded. */
  readonly tree: ZnodeTree;
  readonly #options: JournalOptions;
  #file: OpenFile;
  #position: number;
  /** Entries that are not in the file yet. */
  #waiting: Uint8Array[] = [];
  #waitingZxid: number;
  /** Invariant: every transaction up to it is on disk. It only grows. */
  #durableZxid: number;
  /** Bytes at which the next snapshot is due. */
  #snapshotAtBytes: number;
  #syncing: Promise<void> | undefined;
  #snapshotting: Promise<void> | undefined;
  #state: 'open' | 'failed' | 'closed' = 'open';

  /**
   * Recovers what the directory holds; see `recoverJournal`.
   *
   * @throws {CorruptionError} and system errors of the directory.
   */
  constructor(options: JournalOptions) {
    const { fileSystem, directory, logger } = options;
    const recovered = recoverJournal(fileSystem, directory, logger);
    this.#options = options;
    this.tree = recovered.tree;
    this.#file = recovered.file;
    this.#position = recovered.sizeBytes;
    this.#waitingZxid = this.tree.lastZxid;
    this.#durableZxid = this.tree.lastZxid;
    this.#snapshotAtBytes = options.snapshotBytes;
  }

  get durableZxid(): number {
    return this.#durableZxid;
  }

  /** Queues a transaction, in the order of the zxids. `flush` sends it on its way. */
  append(transaction: Transaction): void {
    const { zxid } = transaction;
    assert(zxid === this.#waitingZxid + 1, 'The journal has no gaps', {
      zxid,
      last: this.#waitingZxid,
    });
    this.#waiting.push(encodeJournalEntry(transaction, this.#durableZxid));
    this.#waitingZxid = zxid;
  }

  /** Begins a sync of all that waits, unless one is under way: then the next one takes it. */
  flush(): void {
    if (this.#syncing !== undefined || this.#waiting.length === 0 || this.#state !== 'open') return;
    this.#syncing = this.#syncWaiting().catch((error: unknown) => this.#fail(error));
  }

  /** Syncs what waits and closes the file. Idempotent. */
  async close(): Promise<void> {
    while (this.#state === 'open' && (this.#syncing !== undefined || this.#waiting.length > 0)) {
      this.flush();
      await this.#syncing;
    }
    await this.#snapshotting;
    if (this.#state === 'open') this.#state = 'closed';
    this.#file.closeSync();
  }

  async #syncWaiting(): Promise<void> {
    // Captured before the sync: an entry that comes while it runs is not covered by it.
    const entries = this.#waiting;
    const zxid = this.#waitingZxid;
    this.#waiting = [];
    this.#file.writevSync(entries, this.#position);
    for (const entry of entries) this.#position += entry.length;
    await this.#file.datasync();
    if (this.#state !== 'open') return;
    assert(zxid > this.#durableZxid, 'A sync covers something new', { zxid });
    this.#durableZxid = zxid;
    this.#options.onDurable(zxid);
    if (this.#position >= this.#snapshotAtBytes && this.#snapshotting === undefined) {
      await this.#rollAndSnapshot();
    }
    this.#syncing = undefined;
    this.flush();
  }

  /**
   * Begins a new journal and writes a snapshot beside it.
   *
   * 1. All of the old journal is on disk: this runs after a sync, before anything more is written.
   * 2. The new journal and its name are on disk before it takes an entry. Crash before: it is
   *    empty or absent. If an entry were answered sooner, its whole file could vanish.
   * 3. The snapshot may hold transactions whose entries still wait: recovery passes over them.
   * 4. Old files go when the snapshot stands, its name synced. Crash before: they are passed over.
   */
  async #rollAndSnapshot(): Promise<void> {
    const { fileSystem, directory } = this.#options;
    const name = journalName(this.#durableZxid + 1);
    const file = createJournal(fileSystem, `${directory}/${name}`);
    await file.datasync();
    await fileSystem.syncDirectory(directory);
    this.#file.closeSync();
    this.#file = file;
    this.#position = JOURNAL_HEADER_BYTES;
    const { lastZxid } = this.tree;
    const snapshot = encodeSnapshot(this.tree.state);
    // A large tree is not written out anew for every small journal.
    this.#snapshotAtBytes = Math.max(this.#options.snapshotBytes, 2 * snapshot.length);
    this.#snapshotting = this.#writeSnapshot(snapshot, lastZxid, name)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#snapshotting = undefined;
      });
  }

  async #writeSnapshot(snapshot: Uint8Array, lastZxid: number, journal: string): Promise<void> {
    const { fileSystem, directory, logger } = this.#options;
    const name = snapshotName(lastZxid);
    await fileSystem.replaceFile(`${directory}/${name}`, snapshot);
    const snapshots = listFiles(fileSystem, directory, 'snapshot').map((file) => file.name);
    const journals = listFiles(fileSystem, directory, 'journal').map((file) => file.name);
    const old = [
      ...snapshots.filter((other) => other < name),
      ...journals.filter((other) => other < journal),
    ];
    for (const file of old) await fileSystem.unlink(`${directory}/${file}`);
    await fileSystem.syncDirectory(directory);
    logger.info('Snapshot of the coordinator', { lastZxid, snapshotBytes: snapshot.length });
  }

  #fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#syncing = undefined;
    this.#options.onFailure(error);
  }
}
