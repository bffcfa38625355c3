import { assertEquals, assertThrows } from "@std/assert";
import { decode, encode, FrameReader, type Packet, PacketError } from "../../broker/packet/mod.ts";
import { PROPERTIES } from "../../broker/packet/properties.ts";
import { hex, withoutFrame } from "./fixtures.ts";
import { BLOCK_NAMES, type BlockName, packetWith, saidBy } from "./property_blocks.ts";

interface Sample {
  readonly name: keyof typeof PROPERTIES;
  /** A property that is no default. */
  readonly bytes: string;
  readonly value: unknown;
  readonly blocks: readonly BlockName[];
  readonly mayRepeatIn?: readonly BlockName[];
  /** What must stand before it. */
  readonly needs?: string;
}

const MESSAGE = ["publish", "will"] as const;
const OPENING = ["connect", "connack"] as const;
const ACKS = ["puback", "pubrec", "pubrel", "pubcomp", "suback", "unsuback"] as const;
const METHOD = "15 00 01 'm'";

/** Table 2-4 of the specification, written down once more. */
const SAMPLES: readonly Sample[] = [
  { name: "payloadIsText", bytes: "01 01", value: true, blocks: MESSAGE },
  { name: "expirySeconds", bytes: "02 00 01 00 00", value: 65_536, blocks: MESSAGE },
  { name: "contentType", bytes: "03 00 01 't'", value: "t", blocks: MESSAGE },
  { name: "responseTopic", bytes: "08 00 01 'r'", value: "r", blocks: MESSAGE },
  { name: "correlationData", bytes: "09 00 01 ff", value: hex("ff"), blocks: MESSAGE },
  {
    name: "subscriptionIds",
    bytes: "0b 80 01",
    value: [128],
    blocks: ["publish", "subscribe"],
    mayRepeatIn: ["publish"],
  },
  {
    name: "sessionExpirySeconds",
    bytes: "11 ff ff ff fe",
    value: 4_294_967_294,
    blocks: [...OPENING, "disconnect"],
  },
  { name: "assignedClientId", bytes: "12 00 01 'c'", value: "c", blocks: ["connack"] },
  { name: "serverKeepAliveSeconds", bytes: "13 00 00", value: 0, blocks: ["connack"] },
  { name: "authenticationMethod", bytes: METHOD, value: "m", blocks: [...OPENING, "auth"] },
  {
    name: "authenticationData",
    bytes: "16 00 01 00",
    value: hex("00"),
    blocks: [...OPENING, "auth"],
    needs: METHOD,
  },
  { name: "requestProblemInformation", bytes: "17 00", value: false, blocks: ["connect"] },
  { name: "delaySeconds", bytes: "18 00 00 00 01", value: 1, blocks: ["will"] },
  { name: "requestResponseInformation", bytes: "19 01", value: true, blocks: ["connect"] },
  { name: "responseInformation", bytes: "1a 00 01 'i'", value: "i", blocks: ["connack"] },
  { name: "serverReference", bytes: "1c 00 01 's'", value: "s", blocks: ["connack", "disconnect"] },
  {
    name: "reasonString",
    bytes: "1f 00 01 'w'",
    value: "w",
    blocks: ["connack", ...ACKS, "disconnect", "auth"],
  },
  { name: "receiveMaximum", bytes: "21 00 01", value: 1, blocks: OPENING },
  { name: "topicAliasMax", bytes: "22 00 01", value: 1, blocks: OPENING },
  { name: "topicAlias", bytes: "23 00 01", value: 1, blocks: ["publish"] },
  { name: "qosMax", bytes: "24 01", value: 1, blocks: ["connack"] },
  { name: "retainAvailable", bytes: "25 00", value: false, blocks: ["connack"] },
  {
    name: "userProperties",
    bytes: "26 00 01 'a' 00 01 'b'",
    value: [["a", "b"]],
    blocks: BLOCK_NAMES,
    mayRepeatIn: BLOCK_NAMES,
  },
  { name: "packetBytesMax", bytes: "27 00 00 00 01", value: 1, blocks: OPENING },
  { name: "wildcardSubscriptionsAvailable", bytes: "28 00", value: false, blocks: ["connack"] },
  { name: "subscriptionIdsAvailable", bytes: "29 00", value: false, blocks: ["connack"] },
  { name: "sharedSubscriptionsAvailable", bytes: "2a 00", value: false, blocks: ["connack"] },
];

function decodeOne(bytes: Uint8Array, countMax = 256, bytesMax = 65_536): Packet {
  const frames = new FrameReader(1_000_000, { propertyLimits: { countMax, bytesMax } });
  frames.push(bytes);
  if (!frames.next()) throw new Error("The packet is not whole");
  return decode(frames, 5);
}

function assertRefused(bytes: Uint8Array, reasonCode: number, countMax?: number, bytesMax?: number): void {
  const error = assertThrows(() => decodeOne(bytes, countMax, bytesMax), PacketError);
  assertEquals(error.reasonCode, reasonCode, error.message);
}

/** What must stand in a block before the sample. */
function prefixOf(block: BlockName, sample: Sample): string {
  const isAuth = block === "auth" && sample.name !== "authenticationMethod";
  return isAuth ? METHOD : sample.needs ?? "";
}

Deno.test("the table has the properties of the specification and no other", () => {
  assertEquals(SAMPLES.map(({ name }) => name).sort(), Object.keys(PROPERTIES).sort());
  for (const { name, bytes } of SAMPLES) assertEquals(PROPERTIES[name].id, hex(bytes)[0]);
});

for (const sample of SAMPLES) {
  const { name, bytes, value, blocks, mayRepeatIn = [] } = sample;
  Deno.test(`${name} is read and written where it may stand, and a stranger everywhere else`, () => {
    for (const block of BLOCK_NAMES) {
      const packetBytes = packetWith(block, hex(`${prefixOf(block, sample)} ${bytes}`));
      if (!blocks.includes(block)) {
        assertRefused(packetBytes, 0x81);
        continue;
      }
      const packet = decodeOne(packetBytes);
      assertEquals(saidBy(block, packet, name), value, block);
      assertEquals(encode(packet, 5), packetBytes, block);
    }
  });

  Deno.test(`${name} stands there once, unless it may repeat`, () => {
    for (const block of blocks) {
      const packetBytes = packetWith(block, hex(`${prefixOf(block, sample)} ${bytes} ${bytes}`));
      if (!mayRepeatIn.includes(block)) {
        assertRefused(packetBytes, 0x82);
        continue;
      }
      const packet = decodeOne(packetBytes);
      const list = value as unknown[];
      assertEquals<unknown>(saidBy(block, packet, name), [...list, ...list], block);
      assertEquals(encode(packet, 5), packetBytes, block);
    }
  });

  Deno.test(`${name} ends inside its block`, () => {
    const whole = hex(bytes);
    for (const block of blocks) {
      const prefix = hex(prefixOf(block, sample));
      for (let length = 1; length < whole.length; length++) {
        assertRefused(packetWith(block, Uint8Array.from([...prefix, ...whole.subarray(0, length)])), 0x81);
      }
    }
  });
}

const VALUES: readonly [block: BlockName, bytes: string, reasonCode: number][] = [
  ["publish", "01 02", 0x82],
  ["will", "01 ff", 0x82],
  ["publish", "0b 00", 0x82],
  ["subscribe", "0b 00", 0x82],
  ["connect", "17 02", 0x82],
  ["connect", "19 02", 0x82],
  ["connect", "21 00 00", 0x82],
  ["connack", "21 00 00", 0x82],
  ["connect", "27 00 00 00 00", 0x82],
  ["connack", "27 00 00 00 00", 0x82],
  ["publish", "23 00 00", 0x94], // [MQTT5-3.3.2-8]
  ["connack", "24 02", 0x82],
  ["connack", "25 02", 0x82],
  ["connack", "28 02", 0x82],
  ["connack", "29 02", 0x82],
  ["connack", "2a 02", 0x82],
];

Deno.test("values that a property cannot have are refused with the reason that the specification gives", () => {
  for (const [block, bytes, reasonCode] of VALUES) assertRefused(packetWith(block, hex(bytes)), reasonCode);
});

Deno.test("an identifier that no property has is refused in every packet", () => {
  const known = new Set<number>(Object.values(PROPERTIES).map(({ id }) => id));
  for (let id = 0; id < 256; id++) {
    if (known.has(id)) continue;
    for (const block of BLOCK_NAMES) {
      assertRefused(packetWith(block, Uint8Array.of(id, 0, 0, 0, 0, 0, 0)), 0x81);
    }
  }
});

Deno.test("a block ends exactly where its length says", () => {
  const pair = hex("26 00 01 'a' 00 01 'b'");
  for (const block of BLOCK_NAMES) {
    for (let length = 0; length < 40; length++) {
      // What is behind the properties of a PUBLISH may be anything.
      if (length === pair.length || (length === 0 && block === "publish")) continue;
      // Nothing left out and nothing added can make sense of it.
      assertThrows(
        () => decodeOne(packetWith(block, pair, [length])),
        PacketError,
        undefined,
        `${block} ${length}`,
      );
    }
    assertRefused(packetWith(block, pair, [pair.length | 0x80, 0x00]), 0x81); // [MQTT5-1.5.5-1]
    assertRefused(packetWith(block, pair, [0xff, 0xff, 0xff, 0xff, 0x7f]), 0x81);
  }
  assertRefused(packetWith("publish", hex("01 01 23 00 01"), [1]), 0x81); // opifex: accepted
});

Deno.test("blocks go both ways at each size of their length", () => {
  for (const length of [127, 128, 16_383, 16_384]) {
    for (const block of BLOCK_NAMES) {
      const method = block === "auth" ? hex(METHOD) : [];
      const value = new Uint8Array(length - 6 - method.length).fill(0x76);
      const lengthOf = [value.length >> 8, value.length & 0xff];
      const bytes = packetWith(block, Uint8Array.from([...method, 0x26, 0, 1, 0x6e, ...lengthOf, ...value]));
      assertEquals(encode(decodeOne(bytes), 5), bytes);
    }
  }
});

Deno.test("a block has at most so many properties, each repetition counted", () => {
  const pair = [...hex("26 00 01 'a' 00 01 'b'")];
  for (const block of BLOCK_NAMES) {
    const method = block === "auth" ? [...hex(METHOD)] : [];
    const withCount = (count: number) => {
      const pairs = Array(count - (method.length > 0 ? 1 : 0)).fill(pair).flat();
      return packetWith(block, Uint8Array.from([...method, ...pairs]));
    };
    decodeOne(withCount(9), 10);
    decodeOne(withCount(10), 10);
    assertRefused(withCount(11), 0x97, 10);
  }
  const ids = (count: number) => packetWith("publish", Uint8Array.from(Array(count).fill([0x0b, 1]).flat()));
  assertEquals(saidBy("publish", decodeOne(ids(256)), "subscriptionIds"), Array(256).fill(1));
  assertRefused(ids(257), 0x97);
});

Deno.test("a block has at most so many bytes, and a larger one is not looked at", () => {
  const bytes = packetWith("publish", hex("26 00 01 'a' 00 01 'b'"));
  decodeOne(bytes, 10, 8);
  decodeOne(bytes, 10, 7);
  assertRefused(bytes, 0x97, 10, 6);
  assertRefused(packetWith("publish", hex("7f 7f 7f")), 0x97, 10, 2);
});

Deno.test("every packet with properties can be cut anywhere and is refused or says something else", () => {
  for (const { bytes, blocks, needs = "" } of SAMPLES) {
    for (const block of blocks) {
      const whole = packetWith(
        block,
        hex(`${block === "auth" && bytes !== METHOD ? METHOD : needs} ${bytes}`),
      );
      for (let length = 0; length < whole.length - 2; length++) {
        const cut = Uint8Array.of(whole[0]!, length, ...whole.subarray(2, 2 + length));
        let packet: Packet;
        try {
          packet = decodeOne(cut);
        } catch (error) {
          if (!(error instanceof PacketError)) throw error;
          continue;
        }
        assertEquals(withoutFrame(decodeOne(encode(packet, 5))), withoutFrame(packet));
      }
    }
  }
});
