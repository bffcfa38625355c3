/// <reference lib="webworker" />
import { isFullError, messageOf, SqliteDatabase } from "./sqlite_database.ts";
import { StoreError } from "./store.ts";

/** What the thread is asked, one after the other: the next only after the answer. */
export type WorkerRequest =
  | { readonly type: "open"; readonly path: string }
  /** Asks for the next slice of what is there. */
  | { readonly type: "read" }
  | { readonly type: "commit"; readonly bytes: Uint8Array }
  | { readonly type: "close" };

export type WorkerReply =
  | { readonly type: "opened"; readonly recordCount: number }
  /** An empty slice is the last. */
  | { readonly type: "slice"; readonly bytes: Uint8Array }
  | { readonly type: "done" }
  | {
    readonly type: "failed";
    readonly message: string;
    readonly isStoreError: boolean;
    readonly isFull: boolean;
  };

/** How long nothing must have been asked before the file is tidied up. */
const IDLE_MS = 100;

const thread = self as unknown as DedicatedWorkerGlobalScope;
let database: SqliteDatabase | undefined;
let slices: Generator<Uint8Array> | undefined;
let idleTimer: ReturnType<typeof setTimeout> | undefined;

thread.onmessage = ({ data }: MessageEvent<WorkerRequest>) => {
  clearTimeout(idleTimer);
  let reply: WorkerReply;
  try {
    reply = answer(data);
  } catch (error) {
    reply = {
      type: "failed",
      message: messageOf(error),
      isStoreError: error instanceof StoreError,
      isFull: isFullError(error),
    };
  }
  const transfer = reply.type === "slice" ? [reply.bytes.buffer] : [];
  thread.postMessage(reply, transfer);
  if (data.type === "close") thread.close();
  else idleTimer = setTimeout(tidyUp, IDLE_MS);
};

function answer(request: WorkerRequest): WorkerReply {
  switch (request.type) {
    case "open":
      database = new SqliteDatabase(request.path);
      return { type: "opened", recordCount: database.count() };
    case "read": {
      slices ??= database!.read();
      const { value, done } = slices.next();
      return { type: "slice", bytes: done ? new Uint8Array(0) : value };
    }
    case "commit":
      database!.apply(request.bytes);
      return { type: "done" };
    case "close":
      database?.close();
      return { type: "done" };
  }
}

function tidyUp(): void {
  try {
    if (database?.shrink()) idleTimer = setTimeout(tidyUp, 1);
  } catch {
    // There will be another quiet moment; a disk that fails shows at the next commit.
  }
}
