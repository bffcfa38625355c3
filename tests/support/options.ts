import { assertMatch, assertThrows } from "@std/assert";
import {
  ConfigError,
  type Options,
  type OptionSources,
  printOptions,
  resolveOptions,
} from "../../broker/config.ts";
import type { AuthOptions } from "../../broker/config_auth.ts";

/** Whoever opens the broker must say so. */
export const EVERYBODY = { "auth-allow-anonymous": "true" };

/** What a name from a certificate needs beside it. */
export const ASKS_FOR_CERTIFICATES = {
  "tls-certificate": "c",
  "tls-key": "k",
  "mqtt-tls-port": "1",
  "mqtt-client-ca": "a",
};

/** Where no option says who may come in. */
export const NOBODY_NAMED: AuthOptions = {
  methods: [],
  allowAnonymous: true,
  clientIdPerUser: true,
  passwordFile: undefined,
  certificateName: undefined,
  jwt: {
    keys: undefined,
    secret: undefined,
    jwksUrl: undefined,
    algorithms: undefined,
    issuer: undefined,
    audience: undefined,
    field: "password",
  },
  hookUrl: undefined,
  aclFile: undefined,
  isOpen: true,
};

export function fileOf(text: string): OptionSources {
  return { file: { name: "pregon.toml", text } };
}

/** What is said of options that cannot be used. */
export function messageOf(sources: OptionSources): string {
  const { message } = assertThrows(() => resolveOptions(sources), ConfigError);
  assertMatch(message, /^[A-Z][^\n]*[^.\n]$/, "One line, sentence case, no full stop");
  assertThrows(() => printOptions(sources), ConfigError, message);
  return message;
}

/** The options without where they came from, which the file that they are printed as says in its own way. */
export function saidBy(options: Options): Options {
  const strip = <Holder extends Options["mqtt"] | Options["http"]>(holder: Holder): Holder => ({
    ...holder,
    files: holder.files && { ...holder.files, keys: undefined },
  });
  return { ...options, mqtt: strip(options.mqtt), http: strip(options.http) };
}
