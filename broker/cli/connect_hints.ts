import { TlsError, type TlsProblem, UpgradeError } from "../client/mod.ts";

const HINTS: Readonly<Record<TlsProblem, string | undefined>> = {
  "untrusted": "trust its authority with --cafile FILE",
  "other-name": "connect to it by its name, or take any with --insecure",
  "expired": undefined,
  "no-tls": "is that its port for TLS?",
  "refused": "show one that it accepts with --cert FILE --key FILE",
  "failed": "is that its port for TLS?",
};

/** What somebody at a command line can do about an error, to stand behind its message. */
export function connectHint({ cause }: Error): string {
  const hint = cause instanceof TlsError
    ? HINTS[cause.problem]
    : cause instanceof UpgradeError
    ? "say where it is in the URL, -L ws://HOST:PORT/PATH"
    : undefined;
  return hint === undefined ? "" : `; ${hint}`;
}
