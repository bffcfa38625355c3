import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { PUB_FLAGS, pubOptions, SUB_FLAGS, subOptions } from "../../broker/cli/client_flags.ts";
import { parseCommandLine, UsageError } from "../../broker/cli/command_line.ts";

const pub = (...args: string[]) => pubOptions(parseCommandLine(["-t", "a", "-m", "x", ...args], PUB_FLAGS));
const sub = (...args: string[]) => subOptions(parseCommandLine(["-t", "a", ...args], SUB_FLAGS));
const refusal = (action: () => unknown) => assertThrows(action, UsageError).message;
const words = (line: string) => line.split(" ");

Deno.test("-V takes mosquitto's names of the versions; a property or another flag of 5.0 implies it", () => {
  const versions = ["mqttv31", "31", "mqttv311", "311", "mqttv5", "5"];
  assertEquals(versions.map((name) => pub("-V", name).connect.version), [3, 3, 4, 4, 5, 5]);
  assertEquals(pub(...words("-D publish content-type t")).connect.version, 5);
  assertEquals(pub("-x", "5").connect.version, 5);
  assertEquals(sub("--retain-as-published").connect.version, 5);
  assertEquals(sub("--retain-handling", "1").connect.version, 5);
  assertEquals(
    refusal(() => pub(...words("-D publish content-type t -V 311"))),
    "Cannot use --property with -V 311: only MQTT 5.0 has it, -V mqttv5",
  );
});

Deno.test("properties of a message are read in their types and in their order", () => {
  const { properties, topicAlias } = pub(
    ...words("-D publish content-type text/csv -D PUBLISH response-topic reply/1"),
    ...words("-D publish correlation-data ß -D publish message-expiry-interval 4294967295"),
    ...words("-D publish payload-format-indicator 1 -D publish topic-alias 7"),
    ...words("-D publish user-property b 1 -D publish user-property a 2"),
    ...["--property", "publish", "user-property", "b", "-D"],
  );
  assertEquals(properties, {
    contentType: "text/csv",
    responseTopic: "reply/1",
    correlationData: new TextEncoder().encode("ß"),
    expirySeconds: 4_294_967_295,
    payloadIsText: true,
    userProperties: [["b", "1"], ["a", "2"], ["b", "-D"]],
  });
  assertEquals(topicAlias, 7);
});

Deno.test("properties of the other packets go where they belong", () => {
  const options = sub(
    ...words(
      "-D connect session-expiry-interval 60 -D connect receive-maximum 3 -D connect user-property k v",
    ),
    ...words("-D connect maximum-packet-size 100 -D connect topic-alias-maximum 4"),
    ...words("-D connect request-problem-information 0 -D connect request-response-information 1"),
    ...words("-D subscribe subscription-identifier 9 -D subscribe user-property s 1"),
    ...words("-D unsubscribe user-property u 1 --will-topic w -D will will-delay-interval 5"),
    ...words(
      "-D will content-type t -D disconnect session-expiry-interval 0 -D disconnect reason-string bye",
    ),
  );
  const { sessionExpirySeconds, receiveMaximum, packetBytesMax, topicAliasMax } = options.connect;
  assertEquals([sessionExpirySeconds, receiveMaximum, packetBytesMax, topicAliasMax], [60, 3, 100, 4]);
  assertEquals(options.connect.requestProblemInformation, false);
  assertEquals(options.connect.requestResponseInformation, true);
  assertEquals(options.connect.userProperties, [["k", "v"]]);
  assertEquals(options.subscribeOptions.subscriptionId, 9);
  assertEquals(options.subscribeOptions.userProperties, [["s", "1"]]);
  assertEquals(options.unsubscribeOptions, { userProperties: [["u", "1"]] });
  assertEquals(options.connect.will?.delaySeconds, 5);
  assertEquals(options.connect.will?.properties, { contentType: "t" });
  assertEquals(options.close, { sessionExpirySeconds: 0, reasonString: "bye" });
});

Deno.test("-x and -c say how long a session lives", () => {
  const expiry = (...args: string[]) => sub("-V", "5", "-i", "me", ...args).connect.sessionExpirySeconds;
  assertEquals(
    [expiry(), expiry("-x", "0"), expiry("-x", "4294967294"), expiry("-c", "-x", "9")],
    [undefined, 0, 4_294_967_294, 9],
  );
  for (const forever of ["-1", "∞", "4294967295"]) assertEquals(expiry("-x", forever), Infinity);
});

Deno.test("-R asks a broker of MQTT 5.0 for no retained messages", () => {
  const options = (...args: string[]) => sub("-V", "5", ...args).subscribeOptions;
  assertEquals(options().retainHandling, 0);
  assertEquals(options("-R").retainHandling, 2);
  assertEquals(options("-R", "--retain-handling", "1", "--retain-as-published"), {
    qos: 0,
    retainAsPublished: true,
    retainHandling: 1,
  });
  assertEquals(sub("-R").subscribeOptions, { qos: 0 });
});

Deno.test("a method of authentication may begin with data, and has no answer", async () => {
  const { authentication } = pub(
    ...words("-D connect authentication-method X -D connect authentication-data me"),
  ).connect;
  assertEquals(authentication?.method, "X");
  assertEquals(authentication?.start(), new TextEncoder().encode("me"));
  await assertRejects(
    async () => await authentication?.respond(undefined),
    Error,
    "the broker asks for more than -D can say of X",
  );
});

Deno.test("MQTT 5.0 takes a password alone", () => {
  assertEquals(pub("-V", "5", "-P", "secret").connect.password, "secret");
});

Deno.test("a property that makes no sense is refused in one line", () => {
  const cases: [args: string, line: string][] = [
    [
      "-D publish content-typ x",
      'Unknown property "content-typ" of -D publish: did you mean content-type?',
    ],
    [
      "-D pubish content-type x",
      'Cannot use "pubish" for -D: it must be connect, publish, will or disconnect; did you mean publish?',
    ],
    [
      "-D disconnect content-type x",
      "Cannot use -D disconnect content-type: content-type is no property of disconnect; it has " +
      "session-expiry-interval, reason-string, user-property",
    ],
    ["-D publish content-type a -D publish content-type b", "Cannot use -D publish content-type twice"],
    [
      "-D publish message-expiry-interval 1.5",
      'Cannot use "1.5" for -D publish message-expiry-interval: it must be a whole number from 0 to 4294967295',
    ],
    [
      "-D publish topic-alias 0",
      'Cannot use "0" for -D publish topic-alias: it must be a whole number from 1 to 65535',
    ],
    [
      "-D publish payload-format-indicator yes",
      'Cannot use "yes" for -D publish payload-format-indicator: it must be a whole number from 0 to 1',
    ],
    ["-D publish content-type", "Flag -D needs a value: -D COMMAND PROPERTY VALUE"],
    ["-D publish user-property k", "Flag -D needs a value: -D COMMAND PROPERTY VALUE"],
    ["--property=publish", "Cannot use -D publish: it takes a property and its value"],
    ["-D will content-type x", "Cannot use -D will without a will: add --will-topic TOPIC"],
    [
      "-x -2",
      'Cannot use "-2" for --session-expiry-interval: it must be a whole number from 0 to 4294967295',
    ],
    ["-x ∞", "Cannot keep a session for ever without its identifier: add -i ID"],
    [
      "-x 1 -D connect session-expiry-interval 1",
      "Cannot use both -x and -D connect session-expiry-interval",
    ],
    [
      "-D disconnect session-expiry-interval 1",
      "Cannot use -D disconnect session-expiry-interval without a session: add -x SECONDS",
    ],
    [
      "-D connect authentication-data x",
      "Cannot use authentication-data without a method: add -D connect authentication-method NAME",
    ],
  ];
  for (const [args, line] of cases) assertEquals(refusal(() => pub(...words(args))), line);
  assertMatch(refusal(() => pub(...words("-D publish response-topic a/+"))), /wildcards are only allowed/);
  assertMatch(
    refusal(() => sub(...words("-D publish content-type x"))),
    /must be connect, subscribe, unsubscribe/,
  );
});
