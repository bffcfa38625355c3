import type { Clock } from "../core/clock.ts";

export interface KeepAliveInit {
  readonly clock: Clock;
  readonly ping: () => void;
  /** Whether nothing is read for want of room: then the broker is not silent, but we are deaf. */
  readonly isPaused: () => boolean;
  readonly onSilent: (seconds: number) => void;
}

/** Pings a broker that was told nothing for half the keep-alive; gives up one that is silent for all of it. */
export class KeepAlive {
  readonly #init: KeepAliveInit;
  #milliseconds = 0;
  #lastSentAt: number;
  /** Since when the broker owes a sign of life. */
  #pingSentAt: number | undefined;
  #cancelTimer: () => void = () => {};

  constructor(init: KeepAliveInit) {
    this.#init = init;
    this.#lastSentAt = init.clock.now();
  }

  /** @param seconds 0 for no keep-alive */
  start(seconds: number): void {
    this.#milliseconds = seconds * 1000;
    if (seconds > 0) this.#schedule();
  }

  stop(): void {
    this.#cancelTimer();
  }

  sent(): void {
    this.#lastSentAt = this.#init.clock.now();
  }

  heard(): void {
    this.#pingSentAt = undefined;
  }

  #schedule(): void {
    this.#cancelTimer = this.#init.clock.after(this.#milliseconds / 2, () => {
      this.#schedule(); // Before the check, which may stop it.
      this.#check();
    });
  }

  #check(): void {
    const { clock, ping, isPaused, onSilent } = this.#init;
    const now = clock.now();
    if (this.#pingSentAt !== undefined && now - this.#pingSentAt >= this.#milliseconds && !isPaused()) {
      return onSilent(this.#milliseconds / 1000);
    }
    if (now - this.#lastSentAt < this.#milliseconds / 2) return;
    this.#pingSentAt ??= now;
    ping(); // [MQTT-3.1.2-23] [MQTT5-3.1.2-20]
  }
}
