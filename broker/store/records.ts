import type { Message } from "../core/message.ts";

/** What happened, as far as it must survive the process. */
export type StoreRecord =
  | { readonly kind: "retained-put"; readonly message: Message }
  | { readonly kind: "retained-cleared"; readonly topic: string }
  | { readonly kind: "message-queued"; readonly clientId: string; readonly message: Message };
