import { OPTION_ROWS } from "../config_schema.ts";
import type { Flag } from "./command_line.ts";
import { PUB_FLAGS, SUB_FLAGS } from "./client_flags.ts";
import { PASSWD_FLAGS } from "./passwd_flags.ts";

export const COMMANDS = ["serve", "pub", "sub", "passwd"] as const;
export type Command = (typeof COMMANDS)[number];

/** The flags of `serve`: every option, and what only a command line can say. */
export const SERVE_FLAGS: readonly Flag[] = [
  {
    name: "config",
    short: "c",
    placeholder: "FILE",
    help: "Options in TOML; without it ./pregon.toml, if there is one",
  },
  { name: "memory", help: "Keep nothing beyond the end: as --durability memory" },
  { name: "print-config", help: "Print the effective options as TOML and exit" },
  ...OPTION_ROWS.map(({ name, short, kind, help }) => ({ name, short, placeholder: kind.placeholder, help })),
  { name: "version", help: "Print the version and exit" },
  { name: "help", short: "h", help: "Print this and exit" },
];

const HELP: Readonly<Record<Command, () => string>> = {
  serve: serveHelp,
  pub: pubHelp,
  sub: subHelp,
  passwd: passwdHelp,
};

/** The help of a command, with examples that work as they stand. */
export function helpText(command: Command): string {
  return HELP[command]();
}

function serveHelp(): string {
  const limits = OPTION_ROWS.filter((row) => row.section === "limits");
  const width = Math.max(...limits.map((row) => row.name.length)) + 4;
  return `Pregón: an MQTT broker with an HTTP bridge

Usage: pregon [serve] [FLAGS]     run the broker
       pregon pub [FLAGS]         publish messages         (pregon pub --help)
       pregon sub [FLAGS]         print messages           (pregon sub --help)
       pregon passwd FILE USER    say who may come in      (pregon passwd --help)

Flags of serve:
${flagLines(SERVE_FLAGS.filter((flag) => !limits.some((row) => row.name === flag.name)))}
Limits, each a whole number, with its default:
${limits.map((row) => `  ${`--${row.name}`.padEnd(width)}${row.default}`).join("\n")}

Every option is also a variable, --mqtt-port as PREGON_MQTT_PORT, and a key of the file, port in [mqtt].
Flags win over variables, variables over the file.

Examples:
  pregon                                          MQTT on 127.0.0.1:1883, HTTP on 127.0.0.1:8080
  pregon --host 0.0.0.0                           for every machine that reaches this one
  pregon --mqtt-port 0 --http-port 0              on two free ports, and say which
  pregon --data /var/lib/pregon                   keep the data there instead of in ./data
  pregon --auth-password-file users               for those in the file only
  pregon --mqtt-tls-port 8883 --http-tls-port 8443 --tls-certificate c.pem --tls-key k.pem
                                                  over TLS as well
  PREGON_LOG_LEVEL=debug pregon --config a.toml   options from three places
  pregon --mqtt-port 1884 --print-config          what that comes to, as a file
`;
}

function pubHelp(): string {
  return `Publish messages to an MQTT broker

Usage: pregon pub -t TOPIC (-m MESSAGE | -f FILE | -l | -s | -n) [FLAGS]
       pregon pub -L mqtt://[USER:PASSWORD@]HOST[:PORT]/TOPIC (-m MESSAGE | …) [FLAGS]

Flags:
${flagLines(PUB_FLAGS)}
Examples:
  pregon pub -t home/kitchen/temp -m 21.5
  pregon pub -t home/lamp/set -m on -q 1 -r             acknowledged, and kept for who subscribes later
  pregon pub -t home/lamp/set -n -r                     forget what was kept
  pregon pub -L mqtt://ana:secret@broker:1883/a/b -f photo.jpg
  sensors | pregon pub -t site/readings -l              a message for each line

Exit code: 0 done, 1 not connected or refused, 2 wrong flags.
`;
}

function subHelp(): string {
  return `Subscribe to an MQTT broker and print the messages

Usage: pregon sub -t FILTER [-t FILTER …] [FLAGS]
       pregon sub -L mqtt://[USER:PASSWORD@]HOST[:PORT]/FILTER [FLAGS]

Flags:
${flagLines(SUB_FLAGS)}
Examples:
  pregon sub -t 'home/#' -v                             topic and payload of everything below home
  pregon sub -t home/+/temp -C 1 -W 5                   one message, or exit code 27 after 5 s
  pregon sub -t '$SYS/#' -v --retained-only             what the broker says of itself
  pregon sub -t jobs -q 1 -c -i worker-7                also what came while this was not running
  pregon sub -t camera/photo -N -C 1 > photo.jpg

Exit code: 0 done, 1 not connected or refused, 2 wrong flags, 27 time is over.
`;
}

function passwdHelp(): string {
  return `Add a user to a password file, or give one a new password

Usage: pregon passwd FILE USER [FLAGS]
       pregon passwd FILE USER --delete

Asks for the password, twice, or reads one line from a pipe. The broker reads the file when it starts:
pregon --auth-password-file FILE

Flags:
${flagLines(PASSWD_FLAGS)}
Examples:
  pregon passwd users ana
  openssl rand -base64 18 | tee secret | pregon passwd users sensor-7
  pregon passwd users ana -D

Exit code: 0 done, 1 not done, 2 wrong flags.
`;
}

function flagLines(flags: readonly Flag[]): string {
  const heads = flags.map(({ name, short, placeholder }) => {
    const long = placeholder ? `--${name} ${placeholder}` : `--${name}`;
    return short ? `  -${short}, ${long}` : `      ${long}`;
  });
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  return flags.map((flag, index) => `${heads[index]!.padEnd(width)}${flag.help}\n`).join("");
}
