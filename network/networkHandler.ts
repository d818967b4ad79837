/** What a listener tells the broker. */

import type { RequestConnection } from './framing.ts';
import type { ServerRequest } from './serverRequest.ts';

export interface NetworkHandler {
  /** Called synchronously for each decoded frame, in arrival order per connection. */
  onRequest(request: ServerRequest): void;
  /** After all frames of one read, before the receive buffer is used again: the log writes here. */
  onReceiveTurnEnd(): void;
  /** Once for each connection that had said Hello; requests in flight may still be answered. */
  onConnectionClosed?(connection: RequestConnection): void;
}
