/**
 * What the embedded coordinator does with packets: sessions and requests go to the tree,
 * transactions to the journal, answers and watch events to the links. Between a packet's arrival
 * and its answer lies at most the sync under way and one more.
 */

import type { Environment, Logger, StreamSocket } from '../../common/index.ts';
import { ClientLink, type ClientLinkHandler } from './clientLink.ts';
import { answerFourLetterWord, type ServerFigures } from './fourLetterWords.ts';
import type { Journal } from './journal.ts';
import { JuteError, JuteReader } from './jute.ts';
import {
  type ConnectRequest,
  decodeConnect,
  encodeConnected,
  encodeExpired,
} from './juteConnect.ts';
import { encodeHeader, encodeReply, encodeWatchEvent } from './juteReply.ts';
import { decodeRequest } from './juteRequest.ts';
import { Refusal } from './refusal.ts';
import { ReplyGate } from './replyGate.ts';
import { negotiateTimeoutMs, SessionDeadlines } from './sessionDeadlines.ts';
import {
  NO_SESSION,
  type RequestContext,
  type SessionId,
  type TreeErrorCode,
  type TreeReply,
  type TreeRequest,
  type TreeResults,
  type WriteRequest,
} from './treeRequest.ts';
import type { TreeSession } from './treeStore.ts';
import { ERROR_NUMBER, OPERATION, PASSWORD_BYTES } from './wireConstants.ts';
import type { ZnodeTree } from './znodeTree.ts';

export type ServiceEnvironment = Pick<Environment, 'clock' | 'timers' | 'random'>;

export interface ServiceOptions {
  readonly tickMs: number;
  readonly packetBytesMax: number;
  readonly connectionsMax: number;
  readonly logger: Logger;
}

interface RequestHeader {
  readonly xid: number;
  readonly operation: number;
}

/** A connection that has not asked for a session by then is closed. */
const CONNECT_DEADLINE_MS = 10_000;
const VERSION = '3.8-compatible, embedded in Odradek';
/** Authentication schemes that are acknowledged, as ZooKeeper does; no ACL can name one here. */
const AUTH_SCHEMES = ['digest', 'ip'];

export class CoordinatorService implements ClientLinkHandler {
  readonly #environment: ServiceEnvironment;
  readonly #options: ServiceOptions;
  readonly #journal: Journal;
  readonly #tree: ZnodeTree;
  readonly #gate: ReplyGate;
  readonly #deadlines: SessionDeadlines;
  readonly #links = new Set<ClientLink>();
  readonly #linkBySession = new Map<SessionId, ClientLink>();
  /** Links with packets to send at the end of the turn. */
  readonly #dirty = new Set<ClientLink>();
  #turnEndAsked = false;
  #packetsReceived = 0;

  /** @param journal freshly recovered. The sessions in it get their whole timeout anew. */
  constructor(environment: ServiceEnvironment, journal: Journal, options: ServiceOptions) {
    this.#environment = environment;
    this.#options = options;
    this.#journal = journal;
    this.#tree = journal.tree;
    this.#gate = new ReplyGate(journal.durableZxid);
    this.#deadlines = new SessionDeadlines(options.tickMs);
    const nowMs = environment.clock.monotonicMs();
    for (const id of this.#tree.sessionIds) {
      this.#deadlines.touch(id, nowMs, this.#tree.session(id)!.timeoutMs);
    }
  }

  get figures(): ServerFigures {
    return {
      version: VERSION,
      lastZxid: this.#tree.lastZxid,
      ...this.#tree.figures,
      sessions: this.#tree.sessionIds.length,
      connections: this.#links.size,
      packetsReceived: this.#packetsReceived,
      outstanding: this.#gate.heldCount,
      clients: [...this.#links].map((link) => link.remote),
    };
  }

  accept(socket: StreamSocket): void {
    const { connectionsMax, packetBytesMax, logger } = this.#options;
    if (this.#links.size >= connectionsMax) {
      logger.warn('Connection refused: there are as many as allowed', { connectionsMax });
      socket.destroy();
      return;
    }
    const nowMs = this.#environment.clock.monotonicMs();
    const onDirty = (link: ClientLink) => this.#dirty.add(link);
    this.#links.add(new ClientLink(socket, this, { packetBytesMax, onDirty, nowMs }));
  }

  onPacket(link: ClientLink, packet: Buffer): void {
    this.#packetsReceived += 1;
    try {
      if (link.session === undefined) this.#onConnect(link, decodeConnect(new JuteReader(packet)));
      else this.#onRequest(link, link.session, new JuteReader(packet));
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      const { remote } = link;
      this.#options.logger.warn(`Connection closed: ${error.message}`, { remote });
      link.destroy();
    }
    this.#endTurnLater();
  }

  answerWord(word: string): string | undefined {
    return answerFourLetterWord(word, () => this.figures);
  }

  onClosed(link: ClientLink): void {
    this.#links.delete(link);
    this.#dirty.delete(link);
    const sessionId = link.session?.id;
    if (sessionId === undefined || this.#linkBySession.get(sessionId) !== link) return;
    this.#linkBySession.delete(sessionId);
    this.#tree.dropWatches(sessionId);
  }

  /** To be called when the journal has synced: what waited for it goes out. */
  onDurable(zxid: number): void {
    this.#gate.onDurable(zxid);
    this.#sendDirty();
  }

  /** To be called every tick: ends sessions of which nothing was heard in time. */
  expire(): void {
    const nowMs = this.#environment.clock.monotonicMs();
    for (const id of this.#deadlines.expired(nowMs)) this.#expireSession(id);
    for (const link of this.#links) {
      const silentMs = nowMs - link.connectedMs;
      if (link.session === undefined && silentMs > CONNECT_DEADLINE_MS) link.destroy();
    }
  }

  /** Drops all connections without a word. The sessions live on. */
  closeLinks(): void {
    for (const link of this.#links) link.destroy();
  }

  #onConnect(link: ClientLink, request: ConnectRequest): void {
    const { logger } = this.#options;
    if (request.lastZxidSeen > this.#tree.lastZxid) {
      logger.warn('Connection closed: the client has seen transactions that are not here', {
        remote: link.remote,
        lastZxidSeen: request.lastZxidSeen,
        lastZxid: this.#tree.lastZxid,
      });
      link.destroy();
      return;
    }
    link.expectAnswer();
    const timeoutMs = negotiateTimeoutMs(request.timeoutMs, this.#options.tickMs);
    const session =
      request.sessionId === NO_SESSION
        ? this.#createSession(timeoutMs)
        : this.#resumeSession(request, timeoutMs);
    const zxid = this.#tree.lastZxid;
    const { hasReadOnlyFlag } = request;
    if (session === undefined) {
      this.#gate.pass(link, encodeExpired(hasReadOnlyFlag), { zxid, answers: true, thenEnd: true });
      return;
    }
    const { sessionId } = session;
    link.session = { id: sessionId, timeoutMs };
    this.#linkBySession.set(sessionId, link);
    this.#deadlines.touch(sessionId, this.#environment.clock.monotonicMs(), timeoutMs);
    this.#gate.pass(link, encodeConnected(session, hasReadOnlyFlag), { zxid, answers: true });
  }

  #createSession(timeoutMs: number) {
    const password = new Uint8Array(this.#environment.random.bytes(PASSWORD_BYTES));
    const request = { type: 'createSession', timeoutMs, password } as const;
    const reply = this.#apply(request, this.#context(NO_SESSION));
    return reply.ok ? { sessionId: reply.result.sessionId, timeoutMs, password } : undefined;
  }

  /** @returns undefined where the session is gone or the password is not its own. */
  #resumeSession({ sessionId, password }: ConnectRequest, timeoutMs: number) {
    const session: TreeSession | undefined = this.#tree.session(sessionId);
    if (session === undefined || Buffer.compare(session.password, password) !== 0) return undefined;
    // The client has come back sooner than we noticed that its old connection is dead.
    this.#linkBySession.get(sessionId)?.destroy();
    this.#tree.dropWatches(sessionId);
    return { sessionId, timeoutMs, password: session.password };
  }

  #onRequest(
    link: ClientLink,
    session: { readonly id: SessionId; readonly timeoutMs: number },
    reader: JuteReader,
  ): void {
    const header = { xid: reader.int(), operation: reader.int() };
    this.#deadlines.touch(session.id, this.#environment.clock.monotonicMs(), session.timeoutMs);
    link.expectAnswer();
    if (header.operation === OPERATION.ping) this.#answer(link, { xid: header.xid, err: 0 });
    else if (header.operation === OPERATION.auth) this.#onAuth(link, header, reader);
    else this.#onTreeRequest(link, session.id, { header, reader });
  }

  #onAuth(link: ClientLink, { xid }: RequestHeader, reader: JuteReader): void {
    reader.int();
    const known = AUTH_SCHEMES.includes(reader.string());
    const err = known ? 0 : ERROR_NUMBER.AUTH_FAILED;
    const packet = encodeHeader({ xid, zxid: 0, err });
    this.#gate.pass(link, packet, { zxid: 0, answers: true, thenEnd: !known });
  }

  #onTreeRequest(
    link: ClientLink,
    sessionId: SessionId,
    { header, reader }: { readonly header: RequestHeader; readonly reader: JuteReader },
  ): void {
    const { xid, operation } = header;
    const request = decode(operation, reader);
    if (typeof request === 'string') {
      const thenEnd = request === 'UNIMPLEMENTED';
      this.#answer(link, { xid, err: ERROR_NUMBER[request], thenEnd });
      return;
    }
    const reply = this.#apply(request, this.#context(sessionId));
    const closes = request.type === 'closeSession';
    if (closes) this.#deadlines.forget(sessionId);
    const packet = encodeReply({ xid, operation, request }, reply);
    this.#gate.pass(link, packet, { zxid: reply.zxid, answers: true, thenEnd: closes });
  }

  #expireSession(sessionId: SessionId): void {
    this.#options.logger.info('Session expired', { sessionId: `0x${sessionId}` });
    this.#apply({ type: 'closeSession' }, this.#context(sessionId));
    this.#deadlines.forget(sessionId);
    // At once, whatever is queued: a client that takes nothing would keep it for ever.
    this.#linkBySession.get(sessionId)?.destroy();
    this.#endTurnLater();
  }

  /** Carries a request out and sends the watch events that it fired. */
  #apply<R extends TreeRequest>(
    request: R,
    context: RequestContext,
  ): TreeReply<TreeResults[R['type']]> {
    const lastZxid = this.#tree.lastZxid;
    const reply = this.#tree.apply(request, context);
    const { zxid } = reply;
    // Only a write moves the zxid.
    if (zxid !== lastZxid) {
      this.#journal.append({ ...context, zxid, request: request as WriteRequest });
    }
    for (const event of reply.events) {
      const link = this.#linkBySession.get(event.sessionId);
      if (link) this.#gate.pass(link, encodeWatchEvent(event), { zxid, answers: false });
    }
    return reply;
  }

  /** Answers what did not reach the tree, behind everything that did. */
  #answer(
    link: ClientLink,
    { xid, err, thenEnd = false }: { xid: number; err: number; thenEnd?: boolean },
  ): void {
    const zxid = this.#tree.lastZxid;
    const packet = encodeHeader({ xid, zxid, err });
    this.#gate.pass(link, packet, { zxid, answers: true, thenEnd });
  }

  #context(sessionId: SessionId): RequestContext {
    return { sessionId, timeMs: this.#environment.clock.wallMs() };
  }

  /** One sync and one write per link for all that this turn of the event loop brings. */
  #endTurnLater(): void {
    if (this.#turnEndAsked) return;
    this.#turnEndAsked = true;
    this.#environment.timers.afterTurn(() => {
      this.#turnEndAsked = false;
      this.#journal.flush();
      this.#sendDirty();
    });
  }

  #sendDirty(): void {
    // A link that has sent may take up further requests, and so become dirty anew.
    const links = [...this.#dirty];
    this.#dirty.clear();
    for (const link of links) link.send();
  }
}

/** @returns the request, or the error that answers it. */
function decode(operation: number, reader: JuteReader): TreeRequest | TreeErrorCode {
  try {
    return decodeRequest(operation, reader);
  } catch (error) {
    if (error instanceof Refusal) return error.error;
    if (error instanceof JuteError) return 'MARSHALLING_ERROR';
    throw error;
  }
}
