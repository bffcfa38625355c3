import { assertEquals } from "@std/assert";
import { DEFAULT_LIMITS, type Limits } from "../../broker/core/limits.ts";
import { silentLog } from "../../broker/core/log.ts";
import { Message } from "../../broker/core/message.ts";
import { Counters } from "../../broker/metrics/counters.ts";
import type { Session } from "../../broker/session/session.ts";
import type { Outlet } from "../../broker/session/session_ports.ts";
import { SessionTable } from "../../broker/session/session_table.ts";
import { identityOf } from "../support/start_broker.ts";

const identity = identityOf("somebody");

/** A connection that does as told: when it is taken over, it lets its session go. */
class TestOutlet implements Outlet {
  readonly receiveMaximum = 0xffff;

  readonly sent: string[] = [];
  readonly isNearlyIdle = true;
  pumpLater(): void {}
  session: Session | undefined;
  takenOverCount = 0;
  constructor(readonly table: SessionTable) {}

  hasRoom(): boolean {
    return true;
  }

  sendPublish(_outgoing: unknown, packetId: number, dup: boolean): void {
    this.sent.push(`publish ${packetId}${dup ? " dup" : ""}`);
  }

  sendPubrel(packetId: number): void {
    this.sent.push(`pubrel ${packetId}`);
  }

  fits(): boolean {
    return true;
  }

  takenOver(): void {
    this.takenOverCount++;
    this.table.close(this.session!, this, undefined);
  }
}

function start(limits: Partial<Limits> = {}) {
  const counters = new Counters();
  const ended: string[] = [];
  let now = 0;
  const table = new SessionTable({
    limits: { ...DEFAULT_LIMITS, ...limits },
    counters,
    log: silentLog,
    now: () => now,
    journal: undefined,
    clientIdPerUser: true,
    isStoreFailing: () => false,
    canStore: () => true,
    ending: (session) => ended.push(session.id),
    publishWill: () => ({ accepted: false, refusal: "denied", reasonCode: 0x87 }),
    orphaned: () => {},
    identityChanged: () => {},
  });
  const open = (clientId: string, cleanStart: boolean) => {
    const outlet = new TestOutlet(table);
    const opened = table.open({
      clientId,
      identity,
      cleanStart,
      expirySeconds: cleanStart ? 0 : Infinity,
      outlet,
    });
    if (typeof opened === "string") return undefined;
    outlet.session = opened.session;
    return { outlet, ...opened };
  };
  return { table, counters, ended, open, pass: (seconds: number) => now += seconds * 1000 };
}

function deliver(session: Session): void {
  const message = new Message({ topic: "a", payload: new Uint8Array(10), qos: 1, retain: false }, 1, 0);
  session.deliver(message, {
    filter: "a",
    isShared: false,
    noLocal: false,
    retainAsPublished: false,
    identifiers: [],
    qos: 1,
    subscriber: session,
  });
}

Deno.test("a persistent session stays without its connection, another one ends with it [MQTT-3.1.2-4] [MQTT-3.1.2-6]", () => {
  const { table, ended, open } = start();
  const kept = open("kept", false)!;
  const clean = open("clean", true)!;
  table.close(kept.session, kept.outlet, undefined);
  table.close(clean.session, clean.outlet, undefined);
  assertEquals(ended, ["clean"]);
  assertEquals([table.size, table.offlineCount], [1, 1]);
  assertEquals(open("kept", false)!.isPresent, true);
  assertEquals(table.offlineCount, 0);
  assertEquals(open("clean", false)!.isPresent, false);
});

Deno.test("a take-over closes the old connection once; its later end touches nothing [MQTT-3.1.4-2]", () => {
  for (const [first, second] of [[false, false], [false, true], [true, false], [true, true]] as const) {
    const { table, open } = start();
    const old = open("c", first)!;
    const young = open("c", second)!;
    assertEquals(old.outlet.takenOverCount, 1);
    assertEquals(young.isPresent, !first && !second);
    table.close(old.session, old.outlet, undefined);
    assertEquals([table.size, table.offlineCount], [1, 0]);
    assertEquals(table.get("c"), young.session);
    assertEquals(young.session.isConnected, true);
  }
});

Deno.test("an ended session takes nothing and gives its bytes back", () => {
  const { table, open } = start();
  const { session, outlet } = open("c", false)!;
  table.close(session, outlet, undefined);
  for (let count = 0; count < 5; count++) deliver(session);
  assertEquals(table.queueBudget.bytes > 0, true);
  open("c", true);
  assertEquals(table.queueBudget.bytes, 0);
  deliver(session);
  assertEquals(table.queueBudget.bytes, 0);
});

Deno.test("sessions without a connection end after sessionExpirySeconds, the others never", () => {
  const { table, counters, ended, open, pass } = start({ sessionExpirySeconds: 100 });
  open("online", false);
  for (const [clientId, after] of [["a", 10], ["b", 20], ["c", 0]] as const) {
    const { session, outlet } = open(clientId, false)!;
    table.close(session, outlet, undefined);
    pass(after);
  }
  pass(69);
  table.expire();
  assertEquals(ended, []);
  pass(1);
  table.expire();
  assertEquals(ended, ["a"]);
  const back = open("b", false)!;
  table.close(back.session, back.outlet, undefined);
  pass(99);
  table.expire();
  assertEquals(ended, ["a", "c"]);
  pass(1);
  table.expire();
  assertEquals(ended, ["a", "c", "b"]);
  assertEquals(counters.sessionsExpired, 3);
  assertEquals([table.size, table.offlineCount], [1, 0]);
});

Deno.test("sessionsMax: one more is refused, who has one is not", () => {
  const { counters, open } = start({ sessionsMax: 2 });
  open("a", false);
  open("b", true);
  assertEquals(open("c", true), undefined);
  assertEquals(counters.sessionsRefused, 1);
  assertEquals(open("a", true)!.isPresent, false);
  assertEquals(open("b", false)!.isPresent, false);
});

Deno.test("nothing is sent to a connection before resume [MQTT-3.2.0-1]", () => {
  const { table, open } = start();
  const { session, outlet } = open("c", false)!;
  deliver(session);
  table.close(session, outlet, undefined);
  deliver(session);
  const next = open("c", false)!;
  assertEquals(next.outlet.sent, []);
  next.session.outbound.resume();
  assertEquals(next.outlet.sent, ["publish 1 dup", "publish 2"]);
});
