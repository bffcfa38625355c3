import { Random } from "../../topic/random_names.ts";
import { BrokerProcess, type Place } from "./broker_process.ts";
import { Crowd } from "./crowd.ts";
import { Ledger, SIGHTS } from "./ledger.ts";
import { pause } from "./pause.ts";

/** Below what the system gives to connections that go out: a client must not find itself where the broker was. */
const PORT_MIN = 20_000;
const PORTS = 12_000;
/** Nothing came for so long, so nothing will. */
const PATIENCE_MS = 10_000;
const POLL_MS = 20;
/** For what nobody expects. */
const AFTERMATH_MS = 200;
/** Some sights are rare. */
const SIGHT_MS_MAX = 1000;
/** About as long as it takes to come back. */
const CUT_MS_MAX = 30;
const KINDS = ["early", "newborn", "grown", "cut", "cut", "seen", "seen", "seen", "seen"] as const;
const SLEEP_KILLS = 4;
const AWAKE_KILLS = 3;

/** Whether an EventSource resumes across a restart of the broker. */
export const RESUMES_STREAMS = true;

export interface CrashOptions {
  readonly kills: number;
  readonly seed: number;
  /** Longest life of a broker that is not killed at once. */
  readonly seconds: number;
  /** An EventSource must miss nothing, see `RESUMES_STREAMS`. */
  readonly resumesStreams: boolean;
  readonly onProgress?: (kills: number) => void;
}

export interface CrashReport {
  /** In the order in which they were seen; empty when everything was kept. */
  readonly violations: readonly string[];
  readonly figures: Readonly<Record<string, number | string>>;
  /** Times of the last starts and kills, to be compared with those in the violations. */
  readonly lives: readonly string[];
  readonly folder: string;
}

/** Kills a broker again and again while many use it, and finds out whether it kept its word. */
export class CrashRun {
  readonly #options: CrashOptions;
  readonly #random: Random;
  readonly #ledger = new Ledger();
  readonly #place: Place;
  readonly #crowd: Crowd;
  readonly #startMilliseconds: number[] = [];
  readonly #lives: string[] = [];
  #broker: BrokerProcess;
  #killCount = 0;

  constructor(options: CrashOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    const port = freePort(PORT_MIN + this.#random.below(PORTS) + Deno.pid % 7);
    this.#place = {
      folder: Deno.makeTempDirSync({ prefix: "pregon-crash-" }),
      mqttPort: port,
      httpPort: freePort(port + 1),
    };
    this.#broker = new BrokerProcess(this.#place);
    const { seed, resumesStreams } = options;
    this.#crowd = new Crowd({ place: this.#place, ledger: this.#ledger, seed, resumesStreams });
  }

  /** Plays the whole run. The folder is gone afterwards, unless there is something in it to look for. */
  async play(): Promise<CrashReport> {
    try {
      await this.#broker.ready;
      await this.#crowd.begin();
      while (this.#killCount < this.#options.kills && this.#ledger.violations.length === 0) {
        await this.#liveAndDie();
        this.#options.onProgress?.(this.#killCount);
      }
      await this.#broker.ready;
      await this.#settle();
    } finally {
      await this.#crowd.leave();
      await this.#broker.kill();
    }
    this.#takeDefects();
    const report = this.#report();
    if (report.violations.length === 0) await Deno.remove(this.#place.folder, { recursive: true });
    return report;
  }

  /** One life: cut off while it starts, right after that, after a while, while some come back, or by what somebody sees. */
  async #liveAndDie(): Promise<void> {
    const kind = this.#random.pick(KINDS);
    if (kind === "early") await pause(this.#random.below(300));
    else {
      const milliseconds = await this.#broker.ready;
      this.#startMilliseconds.push(milliseconds);
      await pause(this.#random.below(kind === "newborn" ? 50 : this.#options.seconds * 1000));
    }
    if (kind === "cut") {
      this.#crowd.cutSome(this.#random);
      await pause(this.#random.below(CUT_MS_MAX));
    }
    if (kind === "seen") await this.#strikeAtSight();
    await this.#restart(kind);
    const phase = this.#killCount % (SLEEP_KILLS + AWAKE_KILLS);
    if (phase === AWAKE_KILLS) await this.#crowd.setAsleep(true, this.#random.below(2) === 0);
    if (phase === 0) await this.#crowd.setAsleep(false, true);
  }

  /** Dies in the moment in which somebody has its word: whatever that promises must be on the disk already. */
  async #strikeAtSight(): Promise<void> {
    const seen = Promise.withResolvers<void>();
    const timer = setTimeout(seen.resolve, SIGHT_MS_MAX);
    this.#ledger.setTrap(this.#random.pick(SIGHTS), () => {
      this.#broker.strike();
      seen.resolve();
    });
    await seen.promise;
    clearTimeout(timer);
    this.#ledger.clearTrap();
  }

  async #restart(kind: string): Promise<void> {
    const killedAt = this.#ledger.now();
    await this.#broker.kill();
    this.#takeDefects();
    this.#killCount++;
    this.#lives.push(`killed (${kind}) at ${killedAt} ms, started at ${this.#ledger.now()} ms`);
    this.#broker = new BrokerProcess(this.#place);
  }

  /** Waits for everything that was promised, then kills once more, and looks for what should not come. */
  async #settle(): Promise<void> {
    const ended = this.#crowd.end();
    if (!await this.#waits(ended.then(() => true))) {
      return this.#ledger.violate(`Still waiting for an answer: ${[...this.#crowd.waiting].join(", ")}`);
    }
    if (!await this.#drained(() => this.#crowd.missing().length === 0)) return await this.#crowd.verify();
    await this.#restart("last");
    await this.#broker.ready;
    await this.#drained(await this.#crowd.publishLast());
    await pause(AFTERMATH_MS);
    await this.#crowd.verify();
  }

  async #waits(promise: Promise<true>): Promise<boolean> {
    const timer = Promise.withResolvers<false>();
    const id = setTimeout(() => timer.resolve(false), PATIENCE_MS);
    const outcome = await Promise.race([promise, timer.promise]);
    clearTimeout(id);
    return outcome;
  }

  /** False if it does not come to that, though nothing comes any more. */
  async #drained(isDone: () => boolean): Promise<boolean> {
    let count = -1;
    for (let deadline = 0; !isDone(); await pause(POLL_MS)) {
      const countNow = this.#crowd.receptions.reduce((sum, reception) => sum + reception.count, 0);
      if (countNow !== count) deadline = performance.now() + PATIENCE_MS;
      else if (performance.now() > deadline) return false;
      count = countNow;
    }
    return true;
  }

  #takeDefects(): void {
    for (const defect of this.#broker.defects.splice(0)) {
      this.#ledger.violate(`The broker's log says: ${defect}`);
    }
  }

  #report(): CrashReport {
    const { acknowledgedCount, publications, violations } = this.#ledger;
    const sum = (numbers: readonly number[]) => numbers.reduce((one, other) => one + other, 0);
    const starts = this.#startMilliseconds.toSorted((one, other) => one - other).map(Math.round);
    const { receptions } = this.#crowd;
    return {
      violations,
      lives: this.#lives.slice(-10),
      folder: this.#place.folder,
      figures: {
        seed: this.#options.seed,
        seconds: Math.round(this.#ledger.now() / 1000),
        kills: this.#killCount,
        published: publications.size,
        sentAgain: sum([...publications.values()].map(({ resentCount }) => resentCount)),
        acknowledged: acknowledgedCount,
        received: sum(receptions.map(({ count }) => count)),
        repeatedAtQos1: sum(receptions.map(({ repeatedCount }) => repeatedCount)),
        subscribedOrUnsubscribed: this.#crowd.requestCount,
        probes: this.#crowd.probeCount,
        retainedRead: this.#crowd.readCount,
        streamResets: this.#crowd.resetCount,
        startMilliseconds: `${starts[starts.length >> 1] ?? "-"} (median), ${starts.at(-1) ?? "-"} (worst)`,
      },
    };
  }
}

function freePort(from: number): number {
  for (let port = from;; port++) {
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
