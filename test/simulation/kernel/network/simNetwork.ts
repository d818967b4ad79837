/** All hosts and connections of a simulation, and everything that can go wrong between them. */

import type {
  SocketAddress,
  StreamSocket,
  Transport,
  TransportListener,
} from '../../../../common/index.ts';
import { systemError } from '../fileSystem/systemError.ts';
import type { Scheduler } from '../scheduler.ts';
import type { SimProcess } from '../simProcess.ts';
import type { SimRandom } from '../simRandom.ts';
import { type LatencyOptions, Links } from './links.ts';
import { Pipe } from './pipe.ts';
import { SimSocket } from './simSocket.ts';

export interface SimNetworkOptions {
  readonly latency?: LatencyOptions;
  /** Cuts reads at arbitrary byte boundaries. Default true. */
  readonly segments?: boolean;
  /** Poisons the receive space before each read, to catch retained views. Default true. */
  readonly poisons?: boolean;
  /** Bytes between a write and its read, at most, per direction. Default 256 KiB. */
  readonly windowBytes?: number;
  /** A connection fails with ETIMEDOUT when nothing got through for so long. Default 120,000. */
  readonly tcpTimeoutMs?: number;
}

interface Listener {
  readonly process: SimProcess;
  readonly address: SocketAddress;
  readonly onConnection: (socket: StreamSocket) => void;
}

interface SimNetworkHost {
  readonly name: string;
  isUp: boolean;
  /** What could not arrive while it had no power. */
  waiting: (() => void)[];
  nextPort: number;
  readonly listeners: Map<number, Listener>;
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1']);
/** A SYN that gets no answer is sent again after so long, then twice as long, and so on. */
const SYN_RETRY_MS = 1000;

export class SimNetwork {
  readonly links: Links;
  readonly #scheduler: Scheduler;
  readonly #random: SimRandom;
  readonly #options: SimNetworkOptions;
  readonly #hosts = new Map<string, SimNetworkHost>();
  readonly #sockets = new Set<SimSocket>();

  constructor(scheduler: Scheduler, random: SimRandom, options: SimNetworkOptions = {}) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#options = options;
    this.links = new Links(scheduler, random.fork('links'), options.latency);
  }

  /** Ends that still stand. */
  get openSocketCount(): number {
    return this.#sockets.size;
  }

  /** Makes the host known under its name; nodes do this themselves. */
  addHost(name: string): void {
    if (this.#hosts.has(name)) return;
    this.#hosts.set(name, {
      name,
      isUp: true,
      waiting: [],
      nextPort: 20_000,
      listeners: new Map(),
    });
  }

  /** The transport of one process on the host. */
  transportOf(process: SimProcess, hostName: string): Transport {
    const host = this.#hostNamed(hostName);
    return {
      listen: (address, onConnection) => this.#listen(host, { process, address, onConnection }),
      connect: (address, { timeoutMs }) => this.#connect({ process, host, address, timeoutMs }),
    };
  }

  // ---- faults ----

  /** Nothing passes between the two, either way, until healed. Connections stand, and stall. */
  cut(one: string, other: string): void {
    this.links.cutOneWay(one, other);
    this.links.cutOneWay(other, one);
  }

  /** What `from` sends does not reach `to`; the other direction works. */
  cutOneWay(from: string, to: string): void {
    this.links.cutOneWay(from, to);
  }

  heal(one: string, other: string): void {
    this.links.healOneWay(one, other);
    this.links.healOneWay(other, one);
  }

  healAll(): void {
    this.links.healAll();
  }

  /** Cuts the host from all others known so far, the coordinator included. */
  isolate(name: string): void {
    for (const other of this.#hosts.keys()) if (other !== name) this.cut(name, other);
  }

  /** Resets connections of the host (default: of all), each with this probability. */
  resetConnections(options: { readonly host?: string; readonly probability?: number } = {}): void {
    for (const socket of [...this.#sockets]) {
      if (options.host !== undefined && socket.hostName !== options.host) continue;
      if (!this.#random.chance(options.probability ?? 1)) continue;
      socket.refuse();
      socket.onReset('ECONNRESET');
    }
  }

  /** The process is dead. Without power its peers hear nothing: their connections are half-open. */
  processDied(process: SimProcess, hostName: string, options: { readonly hasPower: boolean }) {
    const host = this.#hostNamed(hostName);
    if (!options.hasPower) host.isUp = false;
    for (const [port, listener] of host.listeners) {
      if (listener.process === process) host.listeners.delete(port);
    }
    for (const socket of [...this.#sockets]) {
      if (socket.process !== process) continue;
      socket.processDied(options.hasPower);
    }
  }

  /** Whoever has sent to its old connections meanwhile, or still does, gets a reset. */
  hostBooted(hostName: string): void {
    const host = this.#hostNamed(hostName);
    host.isUp = true;
    for (const resume of host.waiting.splice(0)) resume();
  }

  // ---- transport ----

  #listen(host: SimNetworkHost, listener: Listener): Promise<TransportListener> {
    const { process } = listener;
    return new Promise((resolve, reject) => {
      process.after(0, 'network: listen', () => {
        let { port } = listener.address;
        while (port === 0 || (listener.address.port === 0 && host.listeners.has(port))) {
          port = host.nextPort;
          host.nextPort += 1;
        }
        const text = `${listener.address.host}:${port}`;
        if (host.listeners.has(port)) {
          reject(systemError('EADDRINUSE', 'listen', text));
          return;
        }
        const address = { host: listener.address.host, port };
        const standing = { ...listener, address };
        host.listeners.set(port, standing);
        const close = (): Promise<void> => {
          if (host.listeners.get(port) === standing) host.listeners.delete(port);
          return Promise.resolve();
        };
        resolve({ address, close });
      });
    });
  }

  #connect(attempt: {
    readonly process: SimProcess;
    readonly host: SimNetworkHost;
    readonly address: SocketAddress;
    readonly timeoutMs: number;
  }): Promise<StreamSocket> {
    const { process, host, address } = attempt;
    const text = `${address.host}:${address.port}`;
    const target = LOOPBACK.has(address.host) ? host : this.#hosts.get(address.host);
    return new Promise((resolve, reject) => {
      let isOver = false;
      const finish = (delayMs: number, label: string, action: () => void): void => {
        process.after(delayMs, label, () => {
          if (isOver) return;
          isOver = true;
          timer.cancel();
          action();
        });
      };
      const timer = process.after(attempt.timeoutMs, 'network: connect timeout', () => {
        isOver = true;
        reject(systemError('ETIMEDOUT', 'connect', text));
      });
      if (target === undefined) {
        finish(1, 'network: unknown host', () =>
          reject(systemError('ENOTFOUND', 'getaddrinfo', text)),
        );
        return;
      }
      const knock = (retryMs: number): void => {
        this.#scheduler.after(this.links.sampleMs(), 'network: syn', () => {
          if (isOver || process.isDead) return;
          if (this.#isUnreachable(host, target)) {
            this.#scheduler.after(retryMs, 'network: syn again', () => knock(2 * retryMs));
            return;
          }
          const listener = target.listeners.get(address.port);
          const backMs = this.links.sampleMs();
          if (listener === undefined) {
            finish(backMs, 'network: refused', () =>
              reject(systemError('ECONNREFUSED', 'connect', text)),
            );
            return;
          }
          const socket = this.#establish({ process, host, target, listener });
          process.after(backMs, 'network: connected', () => {
            if (isOver) {
              socket.destroy();
              return;
            }
            isOver = true;
            timer.cancel();
            resolve(socket);
          });
        });
      };
      knock(SYN_RETRY_MS);
    });
  }

  #isUnreachable(host: SimNetworkHost, target: SimNetworkHost): boolean {
    if (!target.isUp) return true;
    return this.links.isCut(host.name, target.name) || this.links.isCut(target.name, host.name);
  }

  /** Both ends of a new connection; the listener gets its own in a turn of its own. */
  #establish(options: {
    readonly process: SimProcess;
    readonly host: SimNetworkHost;
    readonly target: SimNetworkHost;
    readonly listener: Listener;
  }): SimSocket {
    const { process, host, target, listener } = options;
    const clientAddress = { host: host.name, port: host.nextPort };
    const serverAddress = { host: target.name, port: listener.address.port };
    host.nextPort += 1;
    const there = this.#pipe(host, target);
    const back = this.#pipe(target, host);
    const client = this.#socket({
      ...{ process, host, outgoing: there, incoming: back },
      ...{ local: clientAddress, remote: serverAddress },
    });
    const server = this.#socket({
      ...{ process: listener.process, host: target, outgoing: back, incoming: there },
      ...{ local: serverAddress, remote: clientAddress },
    });
    listener.process.after(this.#random.unit() * 0.05, 'network: accept', () =>
      listener.onConnection(server),
    );
    return client;
  }

  #socket(options: {
    readonly process: SimProcess;
    readonly host: SimNetworkHost;
    readonly outgoing: Pipe;
    readonly incoming: Pipe;
    readonly local: SocketAddress;
    readonly remote: SocketAddress;
  }): SimSocket {
    const { host, ...rest } = options;
    const socket = new SimSocket({
      ...rest,
      hostName: host.name,
      isHostUp: () => host.isUp,
      whenHostUp: (run) => void host.waiting.push(run),
      random: this.#random,
      segments: this.#options.segments ?? true,
      poisons: this.#options.poisons ?? true,
      onClosed: (closed) => void this.#sockets.delete(closed),
    });
    this.#sockets.add(socket);
    return socket;
  }

  #pipe(from: SimNetworkHost, to: SimNetworkHost): Pipe {
    return new Pipe({
      scheduler: this.#scheduler,
      links: this.links,
      from: from.name,
      to: to.name,
      windowBytes: this.#options.windowBytes ?? 256 * 1024,
      timeoutMs: this.#options.tcpTimeoutMs ?? 120_000,
    });
  }

  #hostNamed(name: string): SimNetworkHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`The network has no host "${name}"`);
    return host;
  }
}
