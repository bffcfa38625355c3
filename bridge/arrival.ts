import type { Identity } from "../broker/mod.ts";
import type { Client, ClientReader, RequestInfo } from "./client_address.ts";
import { HeaderFields, type HeaderReader } from "./header_fields.ts";
import { type RawUrl, splitUrl } from "./raw_url.ts";

/**
 * A request as it arrived, in the form in which the routes look at it. A plain object and not Hono's variables, and each
 * part looked at once: the server makes a method or a header anew for each who asks, and a publish asks some twenty times.
 */
export class Arrival {
  readonly method: string;
  readonly headers: HeaderReader;
  readonly client: Client;
  readonly follow: RequestInfo["follow"];
  readonly openWebSocket: RequestInfo["openWebSocket"];
  /** Who asks, where that matters: `identified` finds it out before the route. */
  identity!: Identity;
  readonly #request: Request;
  #url: RawUrl | undefined;

  constructor(request: Request, info: RequestInfo | undefined, clients: ClientReader) {
    this.method = request.method;
    this.headers = new HeaderFields(request.headers);
    this.client = clients.read(this.headers, info);
    this.follow = info?.follow;
    this.openWebSocket = info?.openWebSocket;
    this.#request = request;
  }

  get url(): RawUrl {
    return this.#url ??= splitUrl(this.#request.url);
  }
}
