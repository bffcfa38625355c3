import { isNetwork } from "./core/ip_address.ts";
import { checkTopic, isReserved } from "./topic/name.ts";

export type OptionValue = string | number | boolean | readonly string[];

/** What values an option takes, and how they look as text. */
export interface OptionKind {
  /** Completes the sentence "it must be". */
  readonly allowed: string;
  /** For the help. */
  readonly placeholder: string;
  /** The few words that are allowed, if it is just these. */
  readonly choices?: readonly string[];
  /** Reads what a variable or a flag says; what makes no sense is left for `accept` to refuse. */
  readonly fromText: (text: string) => unknown;
  /** The value, if it is allowed. */
  readonly accept: (value: unknown) => OptionValue | undefined;
  /** The value without what nobody else should see; undefined: there is nothing of the kind. */
  readonly redact?: (value: string) => string;
  /** Nothing of it is ever shown; and it is no flag, since everybody on the machine can read a command line. */
  readonly isSecret?: boolean;
}

/** In the place of a secret. */
export const HIDDEN = "…";

export const address: OptionKind = {
  allowed: "an address or a host name, such as 127.0.0.1, ::1 or 0.0.0.0",
  placeholder: "ADDRESS",
  fromText: (text) => text,
  accept: (value) => typeof value === "string" && /^[\w.:%-]+$/.test(value) ? value : undefined,
};

export const path: OptionKind = {
  allowed: "the path of a file or folder",
  placeholder: "PATH",
  fromText: (text) => text,
  // Not empty: `PREGON_AUTH_PASSWORD_FILE=$UNSET` must not open the door.
  accept: (value) => typeof value === "string" && /^[^\0]+$/.test(value) ? value : undefined,
};

export const text: OptionKind = {
  allowed: "a text that is not empty",
  placeholder: "TEXT",
  fromText: (text) => text,
  accept: (value) => typeof value === "string" && value !== "" ? value : undefined,
};

const encoder = new TextEncoder();

/** A text that only some know; what was printed in its place is too short to be taken for it. */
export function secretOf(bytesMin: number): OptionKind {
  return {
    ...text,
    allowed: `a secret of at least ${bytesMin} bytes, and no key in PEM or JSON`,
    // Whoever knew a public key could sign with its text.
    accept: (value) =>
      typeof value === "string" && encoder.encode(value).length >= bytesMin &&
        !/^\s*\{|-----BEGIN/.test(value)
        ? value
        : undefined,
    redact: () => HIDDEN,
    isSecret: true,
  };
}

/** Of a port that is not open. */
export const OFF = "off";

export const portOrOff: OptionKind = {
  allowed: "a whole number from 0 to 65535, or off",
  placeholder: "N|off",
  fromText: (text) => /^\d+$/.test(text) ? Number(text) : text,
  accept: (value) => value === OFF ? OFF : wholeNumber(0, 65_535).accept(value),
};

export const fileMode: OptionKind = {
  allowed: 'three octal digits in quotes, such as "660"',
  placeholder: "MODE",
  fromText: (text) => text,
  accept: (value) => typeof value === "string" && /^[0-7]{3}$/.test(value) ? value : undefined,
};

export const networks = listOf({
  allowed: "a list of addresses or networks, such as 10.0.0.0/8 or ::1",
  placeholder: "NETWORK,…",
  isItem: isNetwork,
});

export const yesOrNo: OptionKind = {
  allowed: "true or false",
  placeholder: "true|false",
  fromText: (text) => text === "true" ? true : text === "false" ? false : text,
  accept: (value) => typeof value === "boolean" ? value : undefined,
};

/** It depends on whether somebody else than this machine can come there. */
export const LOCAL = "local";

export const yesNoOrLocal: OptionKind = {
  allowed: "true, false or local",
  placeholder: "true|false|local",
  fromText: yesOrNo.fromText,
  accept: (value) => value === LOCAL ? LOCAL : yesOrNo.accept(value),
};

export const hosts = listOf({
  allowed: "a list of host names without port, such as broker.local, or * for all",
  placeholder: "HOST,…",
  isItem: (item) => /^(\*|[\w.-]+|\[[\da-f:.]+\])$/i.test(item),
});

export const origins = listOf({
  allowed: "a list of origins, such as https://dashboard.example.com",
  placeholder: "ORIGIN,…",
  isItem: (item) => /^https?:/.test(item) && URL.canParse(item) && new URL(item).origin === item,
});

export const topicPrefix: OptionKind = {
  allowed: "a topic without wildcards that does not begin with $, such as reply/%c, or empty for none",
  placeholder: "TOPIC",
  fromText: (text) => text,
  accept: (value) =>
    typeof value === "string" && (value === "" || !(checkTopic(value) || isReserved(value)))
      ? value
      : undefined,
};

export function wholeNumber(min: number, max: number): OptionKind {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    placeholder: "N",
    fromText: (text) => /^\d+$/.test(text) ? Number(text) : text,
    accept: (value) =>
      typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max
        ? value
        : undefined,
  };
}

export function urlOf(
  { allowed, isAllowed }: { allowed: string; isAllowed: (url: URL) => boolean },
): OptionKind {
  return {
    allowed,
    placeholder: "URL",
    fromText: (text) => text,
    accept: (value) => {
      if (typeof value !== "string" || value.endsWith(REDACTED)) return undefined;
      const url = URL.parse(value);
      const isHttp = url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === "";
      return isHttp && isAllowed(url) ? value : undefined;
    },
    redact: redactUrl,
  };
}

/** In the place of a query. What was printed so is refused when it comes back. */
const REDACTED = "?…";

/** Without user, password, query and fragment, right or not; without its host too, where it is not clear what is what. */
export function redactUrl(text: string): string {
  const [, scheme = "", rest = ""] = /^([a-z][\w+.-]*:\/\/)?(.*)$/is.exec(text) ?? [];
  const cut = rest.search(/[?#]/);
  const [head, tail] = cut === -1 ? [rest, ""] : [rest.slice(0, cut), rest.slice(cut)];
  const isUnclear = tail.includes("@") && !(head.includes("/") && URL.canParse(text));
  const shown = isUnclear ? "…" : head.includes("@") ? `…${head.slice(head.lastIndexOf("@"))}` : head;
  return scheme + shown + (tail === "" ? "" : REDACTED);
}

/** Keys that come over an open line are anybody's. */
export function isSafeUrl({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || isLoopback(hostname.replace(/^\[(.*)\]$/, "$1"));
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Words, each once; an empty list is a slip, such as a variable that the shell did not find. */
export function someOf(words: readonly string[]): OptionKind {
  const list = listOf({
    allowed: `a list of ${words.join(", ")}, each once and at least one`,
    placeholder: "METHOD,…",
    isItem: (item) => words.includes(item),
  });
  const isSome = (value: unknown) =>
    Array.isArray(value) && value.length > 0 && new Set(value).size === value.length;
  return { ...list, accept: (value) => isSome(value) ? list.accept(value) : undefined };
}

export function oneOf(choices: readonly string[]): OptionKind {
  return {
    allowed: `one of ${choices.join(", ")}`,
    placeholder: "WORD",
    choices,
    fromText: (text) => text,
    accept: (value) => choices.find((choice) => choice === value),
  };
}

export function listOf(
  { allowed, placeholder, isItem }: {
    allowed: string;
    placeholder: string;
    isItem: (item: string) => boolean;
  },
): OptionKind {
  return {
    allowed,
    placeholder,
    fromText: (text) => text.split(",").map((item) => item.trim()).filter((item) => item !== ""),
    accept: (value) =>
      Array.isArray(value) && value.every((item) => typeof item === "string" && isItem(item))
        ? value
        : undefined,
  };
}
