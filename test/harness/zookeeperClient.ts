/** Promises over node-zookeeper-client, the client that brokers use; for tests only. */

import zookeeper, { type Client, type Event } from 'node-zookeeper-client';
import { waitFor } from './waitFor.ts';

export interface TestStat {
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  /** 16 hexadecimal digits. */
  readonly ephemeralOwner: string;
  readonly dataLength: number;
  readonly numChildren: number;
}

export type Mode = 'persistent' | 'ephemeral' | 'persistentSequential' | 'ephemeralSequential';

const MODES: Readonly<Record<Mode, number>> = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
};

type Callback<T> = (error: Error | null, ...values: T[]) => void;

/** Clients that are still trying to stay connected: they would keep the test run alive. */
const living = new Set<TestClient>();

/** Ends what a failed test has left; to be called after each test that makes clients. */
export function abandonClients(): void {
  for (const client of living) client.vanish();
}

/** How long a server may leave a connect request unanswered. */
const CONNECT_WAIT_MS = 500;
const CONNECTING = 1;

interface ConnectionManager {
  socket?: { destroy(): void };
  state: number;
  connect: () => void;
}

export class TestClient {
  readonly raw: Client;
  /** State changes in order: connected, disconnected, expired. */
  readonly states: string[] = [];
  /** Watch events as `type path`. */
  readonly events: string[] = [];

  private constructor(address: string, sessionTimeoutMs: number) {
    living.add(this);
    this.raw = zookeeper.createClient(address, {
      sessionTimeout: sessionTimeoutMs,
      spinDelay: 50,
      retries: 0,
    });
    for (const state of ['connected', 'disconnected', 'expired'] as const) {
      this.raw.on(state, () => this.states.push(state));
    }
    this.#giveUpSilentServers();
  }

  static async connect(address: string, sessionTimeoutMs = 10_000): Promise<TestClient> {
    const client = new TestClient(address, sessionTimeoutMs);
    client.raw.connect();
    await client.waitForState('connected');
    return client;
  }

  get sessionId(): string {
    return this.raw.getSessionId().toString('hex');
  }

  /** Waits until the state has been seen `times` times. */
  async waitForState(state: string, times = 1): Promise<void> {
    await waitFor(() => this.states.filter((seen) => seen === state).length >= times, {
      what: `${state} for the ${times}. time; seen: ${this.states.join()}`,
    });
  }

  async waitForEvents(count: number): Promise<readonly string[]> {
    await waitFor(() => this.events.length >= count, {
      what: `${count} watch events; seen: ${this.events.join()}`,
    });
    return this.events;
  }

  create(path: string, data: Buffer | string = '', mode: Mode = 'persistent'): Promise<string> {
    const bytes = Buffer.from(data);
    return new Promise((resolve, reject) =>
      this.raw.create(path, bytes, MODES[mode], (error, created) => {
        if (error) reject(error);
        else resolve(created);
      }),
    );
  }

  async setData(path: string, data: Buffer | string, version = -1): Promise<TestStat> {
    const bytes = Buffer.from(data);
    const [stat] = await promised<unknown>((done) =>
      this.raw.setData(path, bytes, version, done as never),
    );
    return readable(stat);
  }

  async getData(path: string, options: { watch?: boolean } = {}) {
    const [data, stat] = await promised<unknown>((done) =>
      this.raw.getData(path, this.#watcher(options), done as never),
    );
    return { data: (data as Buffer | undefined) ?? Buffer.alloc(0), stat: readable(stat) };
  }

  async getChildren(path: string, options: { watch?: boolean } = {}) {
    const [children, stat] = await promised<unknown>((done) =>
      this.raw.getChildren(path, this.#watcher(options), done as never),
    );
    return { children: [...(children as string[])].sort(), stat: readable(stat) };
  }

  /** @returns undefined where the node is absent. */
  async exists(path: string, options: { watch?: boolean } = {}): Promise<TestStat | undefined> {
    const [stat] = await promised<unknown>((done) =>
      this.raw.exists(path, this.#watcher(options), done as never),
    );
    return stat ? readable(stat) : undefined;
  }

  async remove(path: string, version = -1): Promise<void> {
    await promised((done) => this.raw.remove(path, version, done as never));
  }

  /** Ends the session, and waits until the client says so. */
  async close(): Promise<void> {
    living.delete(this);
    const before = this.states.filter((state) => state === 'disconnected').length;
    this.raw.close();
    await this.waitForState('disconnected', before + 1);
  }

  /** Cuts the connection as a network would; the client comes back by itself. */
  dropConnection(): void {
    this.#connectionManager.socket?.destroy();
  }

  /** Cuts the connection and never comes back: what a killed process looks like to the server. */
  vanish(): void {
    living.delete(this);
    const manager = this.#connectionManager;
    manager.connect = () => undefined;
    manager.socket?.destroy();
  }

  get #connectionManager(): ConnectionManager {
    return (this.raw as unknown as { connectionManager: ConnectionManager }).connectionManager;
  }

  /**
   * ZooKeeper 3.8.0 sometimes never reads a connection that it accepted while it was starting, and
   * the library waits for the answer for ever.
   */
  #giveUpSilentServers(): void {
    let waiting: unknown;
    const timer = setInterval(() => {
      const { socket, state } = this.#connectionManager;
      if (!living.has(this)) clearInterval(timer);
      if (state === CONNECTING && socket !== undefined && socket === waiting) socket.destroy();
      waiting = state === CONNECTING ? socket : undefined;
    }, CONNECT_WAIT_MS);
    timer.unref();
  }

  #watcher({ watch = false }: { watch?: boolean }): never {
    const watcher = (event: Event) => {
      this.events.push(`${event.getName()} ${event.getPath()}`);
    };
    // The library takes "no watcher" as undefined, its types do not.
    return (watch ? watcher : undefined) as never;
  }
}

/** The code of a ZooKeeper error by its name, such as NO_NODE; fails where the call succeeded. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  let result: unknown;
  try {
    result = await call;
  } catch (error) {
    return (error as { name: string }).name;
  }
  throw new Error(`Expected a refusal, got ${JSON.stringify(result)}`);
}

function promised<T>(start: (done: Callback<T>) => void): Promise<T[]> {
  return new Promise((resolve, reject) =>
    start((error, ...values) => {
      if (error) reject(error);
      else resolve(values);
    }),
  );
}

/** The library leaves 64-bit numbers as bytes. */
function readable(stat: unknown): TestStat {
  const raw = stat as Record<string, number> & Record<string, Buffer>;
  const long = (name: string) => Number((raw[name] as Buffer).readBigInt64BE());
  return {
    version: raw['version'] as number,
    cversion: raw['cversion'] as number,
    aversion: raw['aversion'] as number,
    czxid: long('czxid'),
    mzxid: long('mzxid'),
    pzxid: long('pzxid'),
    ephemeralOwner: (raw['ephemeralOwner'] as Buffer).toString('hex'),
    dataLength: raw['dataLength'] as number,
    numChildren: raw['numChildren'] as number,
  };
}
