import { countFreeDescriptors, type OpenSpare } from "../core/descriptor_reserve.ts";
import type { Limits } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import { StartError } from "./start.ts";

/** What the process still opens for itself after they were counted: the store, its thread, HTTP. 14 were seen. */
const OWN_DESCRIPTORS = 24;
/** As much of the rest links may have at most, and HTTP at least for what is no stream. */
const LINKS_SHARE = 3 / 4;
const REQUESTS_SHARE = 1 / 8;
/**
 * Systems that have few have 256, 1,024 or 4,096, the others have ten times as many and more. To count those would take
 * longer than everything else at the start; there the reserve alone has to do. These take 70 ms, nearly half of the start
 * with nothing stored: nearly all of it in the five opens that have the kernel double the table of the process, 5 to 20 ms
 * each, where it probably waits for every thread. No other way to open them spares that, and nothing else may be opened
 * meanwhile: it might be the last.
 */
const COUNTED_MAX = 4_096;

export interface DescriptorShares {
  /** With no more streams than there are descriptors for. */
  readonly limits: Limits;
  /** Descriptors that links may have; Infinity where nothing has to be shared out. */
  readonly linksMax: number;
}

/** Takes up a descriptor; undefined where that cannot be found out, or there is no bound that is worth minding. */
export function spareOpener(log: Log): OpenSpare | undefined {
  if (Deno.build.os === "windows") return undefined;
  const open = () => Deno.openSync("/dev/null");
  try {
    countFreeDescriptors(open, 1);
    return open;
  } catch (error) {
    log.info("descriptors-unknown", { error: String(error) });
    return undefined;
  }
}

/**
 * Shares out the descriptors that the system leaves to the process, where they are few. They are counted by opening
 * them, since to read the bound takes all permissions.
 */
export function shareDescriptors(limits: Limits, log: Log, open: OpenSpare | undefined): DescriptorShares {
  if (!open) return { limits, linksMax: Infinity };
  const { connectionsMax, streamsMax, descriptorsReserve } = limits;
  const kept = descriptorsReserve + OWN_DESCRIPTORS;
  const connections = connectionsMax / LINKS_SHARE;
  const all = (connectionsMax + streamsMax) / (1 - REQUESTS_SHARE);
  const wanted = Math.min(kept + Math.ceil(Math.max(connections, all)), COUNTED_MAX);
  const free = countFreeDescriptors(open, wanted);
  if (free >= wanted) return { limits, linksMax: Infinity };
  const usable = free - kept;
  const linksMax = Math.min(connectionsMax, Math.floor(usable * LINKS_SHARE));
  const streams = Math.min(streamsMax, usable - linksMax - Math.ceil(usable * REQUESTS_SHARE));
  if (linksMax < 1 || streams < 1) {
    throw new StartError(
      `Cannot start with ${free} free descriptors: the broker needs ${OWN_DESCRIPTORS} for itself, and ` +
        `${descriptorsReserve} are kept back; raise ulimit -n, ` +
        "or lower --limits-descriptors-reserve (key limits.descriptors-reserve)",
    );
  }
  if (linksMax < connectionsMax || streams < streamsMax) {
    log.warn("descriptors-few", { free, descriptorsReserve, connections: linksMax, streams });
  }
  return { limits: { ...limits, streamsMax: streams }, linksMax };
}
