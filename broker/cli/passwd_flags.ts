import { DEFAULT_ITERATIONS } from "../auth/verifier.ts";
import type { Flag } from "./command_line.ts";

/** The flags of `passwd`. There is none for the password: everybody on the machine can read a command line. */
export const PASSWD_FLAGS: readonly Flag[] = [
  { name: "FILE", isPositional: true, help: "The password file; made if it is not there" },
  { name: "USER", isPositional: true, help: "Whose password" },
  { name: "delete", short: "D", help: "Remove the user" },
  {
    name: "iterations",
    short: "I",
    placeholder: "N",
    help: `How often the password is hashed; ${DEFAULT_ITERATIONS}, or fewer for clients that are slow`,
  },
  { name: "help", short: "h", help: "Print this and exit" },
];
