import { assertEquals } from "@std/assert";
import { createBridge } from "../../bridge/mod.ts";
import { parsePasswordFile, PasswordFileError } from "../../broker/auth/password_file.ts";
import { parseRulesFile, RulesFileError } from "../../broker/auth/rules_file.ts";
import { Broker } from "../../broker/broker.ts";
import { ConfigError, resolveOptions } from "../../broker/config.ts";
import { DEFAULT_LIMITS } from "../../broker/core/limits.ts";
import { decode, encode, FrameReader, PacketError, type Version } from "../../broker/packet/mod.ts";
import { contentOf } from "../packet/fixtures.ts";
import { randomPacket } from "../packet/random_packets.ts";
import { mutateBytes, mutateText, pieces } from "../support/fuzz.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";
import { startBroker } from "../support/start_broker.ts";
import type { Random } from "../topic/random_names.ts";
import { checkAnswer, leave, settled } from "./answers.ts";
import { partsOf, partsText } from "./corpus.ts";
import { requestOf } from "./http_request.ts";
import { FUZZ_LIMITS } from "./limits.ts";
import { readAll, write } from "./link_ends.ts";
import {
  ACL_PIECES,
  ACL_SEEDS,
  CONFIG_PIECES,
  CONFIG_SEEDS,
  PASSWORD_PIECES,
  PASSWORD_SEEDS,
} from "./texts.ts";

/** Something that takes input from outside. */
export interface FuzzTarget {
  /** Also its folder in the corpus. */
  readonly name: string;
  /** An input as a file of the corpus has it; none where rounds share their state, as `fuzz_test.ts` has them. */
  readonly make?: (random: Random) => string;
  /** Throws unless the input is taken or refused as it should be. */
  readonly play: (text: string) => Promise<void> | void;
}

const VERSIONS: readonly Version[] = [3, 4, 5];

/** Everything that the broker takes from outside. */
export const TARGETS: readonly FuzzTarget[] = [
  { name: "codec", make: codecText, play: playCodec },
  textTarget("config", { seeds: CONFIG_SEEDS, pieces: CONFIG_PIECES, play: playConfig }),
  textTarget("acl", { seeds: ACL_SEEDS, pieces: ACL_PIECES, play: playAcl }),
  textTarget("passwords", { seeds: PASSWORD_SEEDS, pieces: PASSWORD_PIECES, play: playPasswords }),
  { name: "connections", play: playConnection },
  { name: "requests", play: playRequest },
];

function textTarget(
  name: string,
  { seeds, pieces, play }: { seeds: readonly string[]; pieces: readonly string[]; play: FuzzTarget["play"] },
): FuzzTarget {
  return {
    name,
    make: (random) => mutateText(random.pick(seeds), random, { others: seeds, pieces }),
    play,
  };
}

function codecText(random: Random): string {
  const frames = Array.from({ length: 1 + random.below(3) }, () => encode(randomPacket(random), 5));
  const bytes = Uint8Array.from(frames.flatMap((frame) => [...frame]));
  return partsText(pieces(mutateBytes(bytes, random, frames), random));
}

/** Whatever the bytes, whole packets come out or a `PacketError`, and the same however the bytes are divided. */
function playCodec(text: string): void {
  const parts = partsOf(text);
  const whole = Uint8Array.from(parts.flatMap((part) => [...part]));
  for (const version of VERSIONS) {
    assertEquals(decodeAll(parts, version), decodeAll([whole], version));
  }
}

function decodeAll(parts: readonly Uint8Array[], version: Version): unknown[] {
  const reader = new FrameReader(FUZZ_LIMITS.packetBytesMax);
  const found: unknown[] = [];
  try {
    for (const part of parts) {
      reader.push(part.slice(), true);
      while (reader.next()) found.push(contentOf(decode(reader, version)));
    }
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    found.push(error.message);
  }
  return found;
}

function playConfig(text: string): void {
  allowOnly(ConfigError, () => resolveOptions({ file: { name: "pregon.toml", text } }));
}

function playAcl(text: string): void {
  allowOnly(RulesFileError, () => parseRulesFile({ name: "acl.toml", text }, DEFAULT_LIMITS));
}

function playPasswords(text: string): void {
  allowOnly(PasswordFileError, () => parsePasswordFile({ name: "users", text }));
}

/** A refusal is one line that can be shown to whoever wrote the file. */
function allowOnly(kind: new (...parameters: never[]) => Error, act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof kind)) throw error;
    assertEquals(error.message.split("\n").length, 1, error.message);
  }
}

/** Bytes of one connection to a broker of its own; a neighbour lives on. */
async function playConnection(text: string): Promise<void> {
  await using host = startBroker({ limits: FUZZ_LIMITS });
  const neighbour = await host.connect({ clientId: "neighbour" });
  const link = host.listener.connect();
  const reading = readAll(link);
  for (const part of partsOf(text)) await write(link, part);
  await neighbour.ping();
  assertEquals(host.broker.counters.closes["internal-error"], 0);
  link.close();
  await reading;
}

async function playRequest(text: string): Promise<void> {
  const request = requestOf(text);
  if (!request) return;
  const clock = new SimulatedClock();
  const broker = new Broker({ limits: FUZZ_LIMITS, clock });
  const bridge = createBridge(broker);
  const open: ReadableStream[] = [];
  await checkAnswer(await settled(bridge.fetch(request), clock), `${request.method} ${request.url}`, open);
  for (const body of open) await leave(body);
  await bridge.close();
  await broker.close();
}
