/** A server with a scripted handler and clients of it, over real sockets. */

import net from 'node:net';
import {
  systemClock,
  systemRandom,
  systemTimers,
} from '../../../common/environment/production/index.ts';
import { type Logger, silentLogger, type SocketAddress } from '../../../common/index.ts';
import {
  ClientConnection,
  type ClientConnectionOptions,
  type NetworkEnvironment,
  type NetworkHandler,
  type NetworkLimits,
  NetworkServer,
  NodeTransport,
  nodeTransport,
  type ServerRequest,
} from '../../../network/index.ts';
import {
  type Api,
  authenticateApi,
  encodeFrame,
  FRAME_HEADER_BYTES,
  FRAME_KIND_REQUEST,
  type FrameHeader,
  fetchApi,
  helloApi,
  metadataApi,
  produceApi,
  type RequestOf,
  type ResponseOf,
  readFrameHeader,
  updateMetadataApi,
} from '../../../protocol/index.ts';

export const productionNetwork: NetworkEnvironment = {
  clock: systemClock,
  timers: systemTimers,
  transport: nodeTransport,
};
export const copyingNetwork: NetworkEnvironment = {
  ...productionNetwork,
  transport: new NodeTransport('copied'),
};
export const random = systemRandom;

export type ProduceRequest = RequestOf<typeof produceApi>;
export type MetadataResponse = ResponseOf<typeof metadataApi>;

export const servedApis = [metadataApi, produceApi, fetchApi, updateMetadataApi] as readonly Api[];

/** Runs whatever the test gives it. */
export class ScriptedHandler implements NetworkHandler {
  onRequest: (request: ServerRequest) => void = (request) => request.respond(emptyMetadata());
  onReceiveTurnEnd: () => void = () => undefined;
  onConnectionClosed: () => void = () => undefined;
}

export interface ServerOptions {
  readonly environment?: NetworkEnvironment;
  readonly limits?: Partial<NetworkLimits>;
  readonly logger?: Logger;
  readonly kafkaPortHint?: number;
  readonly adminPortHint?: number;
}

export async function startServer(
  handler: NetworkHandler,
  options: ServerOptions = {},
): Promise<NetworkServer> {
  const { environment = productionNetwork, logger = silentLogger, ...rest } = options;
  const server = new NetworkServer(
    environment,
    {
      listen: { host: '127.0.0.1', port: 0 },
      brokerId: 7,
      clusterId: () => 'test-cluster',
      softwareVersion: '0.0.0',
      apis: servedApis,
      logger,
      ...rest,
    },
    handler,
  );
  await server.listen();
  return server;
}

export function connect(
  server: NetworkServer,
  options: Partial<ClientConnectionOptions> = {},
  environment: NetworkEnvironment = productionNetwork,
): Promise<ClientConnection> {
  return ClientConnection.connect(environment, server.address, {
    software: { name: 'test', version: '1' },
    timeoutMs: 5000,
    ...options,
  });
}

export function emptyMetadata(clusterId = 'test-cluster'): MetadataResponse {
  return { clusterId, controllerId: -1, brokers: [], topics: [] };
}

export function produceRequest(records: Uint8Array, acks = 1): ProduceRequest {
  const partitions = [{ index: 0, leaderEpoch: -1, records }];
  return { acks, timeoutMs: 1000, topics: [{ name: 't', topicId: null, partitions }] };
}

/** The records of a produce request that `produceRequest` made. */
export function recordsOf(request: ServerRequest): Uint8Array {
  const { topics } = request.body as ProduceRequest;
  return topics[0]!.partitions[0]!.records as Uint8Array;
}

export function requestFrame<Request, Response>(
  api: Api<Request, Response>,
  correlationId: number,
  request: Request,
): Buffer {
  const address = {
    kind: FRAME_KIND_REQUEST,
    apiKey: api.key,
    apiVersion: 0,
    correlationId,
  } as const;
  return Buffer.concat(encodeFrame(address, api.request, request));
}

/** Hello and Authenticate, with correlation ids 1 and 2. */
export function openingFrames(brokerId = -1): Buffer {
  return Buffer.concat([
    requestFrame(helloApi, 1, {
      clientSoftwareName: 'raw',
      clientSoftwareVersion: '1',
      clientId: null,
      brokerId,
      brokerEpoch: -1,
    }),
    requestFrame(authenticateApi, 2, { mechanism: 'ANONYMOUS', bytes: new Uint8Array(0) }),
  ]);
}

export interface RawFrame {
  readonly header: FrameHeader;
  readonly body: Buffer;
}

/** A plain socket, to send what no client would. */
export class RawClient {
  readonly socket: net.Socket;
  #received = Buffer.alloc(0);
  #closed = false;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
    });
  }

  static async connect({ host, port }: SocketAddress): Promise<RawClient> {
    const socket = net.connect({ host, port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  get received(): Buffer {
    return this.#received;
  }

  get closed(): boolean {
    return this.#closed;
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Whole frames received so far. */
  frames(): RawFrame[] {
    const frames: RawFrame[] = [];
    let position = 0;
    while (this.#received.length - position >= FRAME_HEADER_BYTES) {
      const header = readFrameHeader(this.#received, position);
      if (this.#received.length - position < header.frameBytes) break;
      const start = position + FRAME_HEADER_BYTES;
      frames.push({ header, body: this.#received.subarray(start, start + header.bodyBytes) });
      position += header.frameBytes;
    }
    return frames;
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** Polls until the condition holds. @throws after `timeoutMs`, naming what was waited for. */
export async function until(
  what: string,
  condition: () => boolean,
  timeoutMs = 5000,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`Waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Keeps log lines. */
export class CollectingLogger implements Logger {
  readonly lines: string[] = [];
  error(message: string): void {
    this.lines.push(`error ${message}`);
  }
  warn(message: string): void {
    this.lines.push(`warn ${message}`);
  }
  info(message: string): void {
    this.lines.push(`info ${message}`);
  }
  debug(message: string): void {
    this.lines.push(`debug ${message}`);
  }
  child(): Logger {
    return this;
  }
}
