/**
 * How the answer to a request goes back, whatever the language of the listener. The services of
 * this folder take plain data and an exchange; a listener of another protocol translates both.
 */

import type { RequestConnection, ServerRequest } from '../../network/index.ts';

export interface Exchange<Response> extends Omit<ServerRequest, ExchangedElsewhere> {
  readonly connection: Pick<RequestConnection, 'closed'>;
  respond(response: Response, onSent?: () => void): void;
}

type ExchangedElsewhere = 'connection' | 'api' | 'apiVersion' | 'body' | 'respond';
