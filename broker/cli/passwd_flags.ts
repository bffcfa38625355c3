import { DEFAULT_ITERATIONS } from "../auth/scram_verifier.ts";
import type { Flag } from "./command_line.ts";

/** The flags of `passwd`. There is none for the password: everybody on the machine can read a command line. */
export const PASSWD_FLAGS: readonly Flag[] = [
  { name: "FILE", isPositional: true, help: "The password file; made if it is not there" },
  { name: "USER", isPositional: true, isOptional: true, help: "Whose password; left out with --batch" },
  {
    name: "batch",
    short: "b",
    help: "Read user:password lines from the standard input, in the place of USER",
  },
  { name: "delete", short: "D", help: "Remove the user" },
  {
    name: "iterations",
    short: "I",
    placeholder: "N",
    help: `How often the password is hashed; ${DEFAULT_ITERATIONS}, or fewer for clients that are slow`,
  },
  {
    name: "scrypt",
    help:
      "Keep the password as scrypt: harder to guess from a stolen file, but no SCRAM, and 32 MiB for each check",
  },
  { name: "help", short: "h", help: "Print this and exit" },
];
