import { CheckGate } from "../../broker/auth/check_gate.ts";
import type { AuthTools } from "../../broker/auth/methods.ts";
import { PasswordAuthenticator, type PasswordParts } from "../../broker/auth/password.ts";
import type { UserTable } from "../../broker/auth/user_table.ts";
import { DEFAULT_LIMITS, type Limits } from "../../broker/core/limits.ts";
import { Log } from "../../broker/core/log.ts";
import { Counters } from "../../broker/metrics/counters.ts";
import { SimulatedClock } from "./simulated_clock.ts";

/** What methods use, with a clock that only the test moves, and the lines of the log without their times. */
export class TestAuthTools implements AuthTools {
  readonly clock = new SimulatedClock();
  readonly counters = new Counters();
  readonly lines: string[] = [];
  readonly log = new Log("debug", (line) => this.lines.push(line.slice(25)));
  readonly limits: Limits;

  constructor(limits: Partial<Limits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }
}

/** Knows these users; checks as many passwords at once as come. */
export function passwordAuthenticator(
  users: UserTable,
  parts: Partial<PasswordParts> = {},
): PasswordAuthenticator {
  return new PasswordAuthenticator({
    users,
    checks: new CheckGate({ runningMax: 8, waitingMax: 8 }),
    limits: DEFAULT_LIMITS,
    now: () => 0,
    onRemembered: () => {},
    hasNext: () => false,
    ...parts,
  });
}
