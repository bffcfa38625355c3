import type { Flag } from "./command_line.ts";

/** The arguments of `check` and of `backup` that are no flags. */
export const CHECK_ARGUMENTS = ["DATA"] as const;
export const BACKUP_ARGUMENTS = ["DATA", "FILE"] as const;

/** The flags of both. */
export const DATA_FLAGS: readonly Flag[] = [{ name: "help", short: "h", help: "Print this and exit" }];
