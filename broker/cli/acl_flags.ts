import { RULE_METHODS } from "../auth/rule.ts";
import type { Flag } from "./command_line.ts";

/** The flags of `acl`; all but `--config` and `--help` are for `explain`. */
export const ACL_FLAGS: readonly Flag[] = [
  { name: "WHAT", isPositional: true, isOptional: true, help: "check or explain" },
  {
    name: "FILE",
    isPositional: true,
    isOptional: true,
    help: "The rules; without it auth.acl-file of the options",
  },
  { name: "user", short: "u", placeholder: "NAME", help: "Who asks; without it somebody who shows no name" },
  { name: "client", short: "i", placeholder: "ID", help: "Its client identifier; without it HTTP" },
  {
    name: "group",
    short: "g",
    placeholder: "NAME",
    isRepeatable: true,
    help: "A group that it is said to be in, beside those of the file",
  },
  {
    name: "method",
    placeholder: "WORD",
    help: `How it showed who it is: ${RULE_METHODS.join(", ")}; password-file, or anonymous without a user`,
  },
  { name: "topic", short: "t", placeholder: "TOPIC", help: "The topic, or with --subscribe the filter" },
  { name: "publish", help: "Whether it may publish there" },
  { name: "retain", short: "r", help: "With --publish: a retained message" },
  { name: "subscribe", help: "Whether it may subscribe to the filter" },
  { name: "read", help: "Whether it may be given messages of the topic" },
  {
    name: "config",
    short: "c",
    placeholder: "FILE",
    help: "Where auth.acl-file is said, if FILE is not given",
  },
  { name: "help", short: "h", help: "Print this and exit" },
];
