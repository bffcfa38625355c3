import { pathOf, variableOf } from "../config.ts";
import { OPTION_ROWS } from "../config_schema.ts";
import { ACL_FLAGS } from "./acl_flags.ts";
import type { Flag } from "./command_line.ts";
import { PUB_COMMANDS, PUB_FLAGS, SUB_COMMANDS, SUB_FLAGS } from "./client_flags.ts";
import { BACKUP_FLAGS, CHECK_FLAGS } from "./data_flags.ts";
import { PASSWD_FLAGS } from "./passwd_flags.ts";
import { type PropertyCommand, propertyNames } from "./property_flags.ts";

export const COMMANDS = ["serve", "pub", "sub", "passwd", "acl", "check", "backup"] as const;
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
  ...OPTION_ROWS.map(({ name, short, kind: { placeholder, redact }, help }) => ({
    ...{ name, short, placeholder, redact },
    help,
  })),
  { name: "version", help: "Print the version and exit" },
  { name: "help", short: "h", help: "Print this and exit" },
];

/** About how wide a list in the help gets. */
const HELP_COLUMNS = 100;

/** What `pub` and `sub` do with certificates. */
const TLS_HELP =
  `Each flag from --cafile to --tls-alpn means TLS. --cafile, --capath and --tls-use-os-certs add up; without one of
them Mozilla's list is trusted. --insecure leaves out whether the certificate is for the host, and nothing else. In
the URL of a WebSocket the port is 80 or 443 unless it says one. A Unix socket has neither TLS nor WebSocket.
Of mosquitto's flags these are not there: --ciphers, --tls-version, --tls-engine, --keyform, --psk, --proxy.
`;

const HELP: Readonly<Record<Command, () => string>> = {
  serve: serveHelp,
  pub: pubHelp,
  sub: subHelp,
  passwd: passwdHelp,
  check: checkHelp,
  backup: backupHelp,
  acl: aclHelp,
};

/** The help of a command, with examples that work as they stand. */
export function helpText(command: Command): string {
  return HELP[command]();
}

function serveHelp(): string {
  const limits = OPTION_ROWS.filter((row) => row.section === "limits");
  const secrets = OPTION_ROWS.filter((row) => row.kind.isSecret);
  const apart = new Set([...limits, ...secrets].map((row) => row.name));
  const width = Math.max(...limits.map((row) => row.name.length)) + 4;
  return `Pregón: an MQTT broker with an HTTP bridge

Usage: pregon [serve] [FLAGS]     run the broker
       pregon pub [FLAGS]         publish messages         (pregon pub --help)
       pregon sub [FLAGS]         print messages           (pregon sub --help)
       pregon passwd FILE USER    say who may come in      (pregon passwd --help)
       pregon check DATA          look whether data are sound, while the broker runs or not
       pregon backup DATA FILE    copy them, while the broker runs or not
       pregon acl check|explain   say who may do what      (pregon acl --help)

Flags of serve:
${flagLines(SERVE_FLAGS.filter((flag) => !apart.has(flag.name)))}
Limits, each a whole number, with its default:
${limits.map((row) => `  ${`--${row.name}`.padEnd(width)}${row.default}`).join("\n")}

Every option is also a variable, --mqtt-port as PREGON_MQTT_PORT, and a key of the file, port in [mqtt].
Flags win over variables, variables over the file; a flag or key that is given twice is refused.
Everybody on this machine can read a command line, so these are variables and keys only:
${secrets.map((row) => `  ${variableOf(row)}, ${pathOf(row)}\n      ${row.help}`).join("\n")}

Examples:
  pregon                                          MQTT on 127.0.0.1:1883, HTTP on 127.0.0.1:8080
  pregon --host 0.0.0.0 --auth-password-file u --auth-acl-file acl.toml
                                                  for every machine that reaches this one
  pregon --mqtt-port 0 --http-port 0              on two free ports, and say which
  pregon --data /var/lib/pregon                   keep the data there instead of in ./data
  pregon --auth-password-file users --auth-allow-everything true
                                                  for those in the file only
  pregon --auth-acl-file acl.toml                 who may do what, as the file says
  pregon --mqtt-tls-port 8883 --http-tls-port 8443 --tls-certificate c.pem --tls-key k.pem
                                                  over TLS as well
  PREGON_LOG_LEVEL=debug pregon --config a.toml   options from three places
  pregon --mqtt-port 1884 --print-config          what that comes to, as a file
`;
}

function pubHelp(): string {
  return `Publish messages to an MQTT broker

Usage: pregon pub -t TOPIC (-m MESSAGE | -f FILE | -l | -s | -n) [FLAGS]
       pregon pub -L mqtt[s]://[USER:PASSWORD@]HOST[:PORT]/TOPIC (-m MESSAGE | …) [FLAGS]
       pregon pub -L ws[s]://[USER:PASSWORD@]HOST[:PORT]/PATH -t TOPIC (-m MESSAGE | …) [FLAGS]

Flags:
${flagLines(PUB_FLAGS)}
Properties of MQTT 5.0 for -D, user-property with a name and a value:
${propertyLines(PUB_COMMANDS)}
${TLS_HELP}
Examples:
  pregon pub -t home/kitchen/temp -m 21.5
  pregon pub -t home/lamp/set -m on -q 1 -r             acknowledged, and kept for who subscribes later
  pregon pub -t home/lamp/set -n -r                     forget what was kept
  pregon pub -L mqtt://ana:secret@broker:1883/a/b -f photo.jpg
  pregon pub -L mqtts://broker/a/b -m on --cafile ca.pem --cert me.pem --key me.key
  sensors | pregon pub -t site/readings -l              a message for each line
  pregon pub -t lab/log -f a.csv -D publish content-type text/csv -D publish message-expiry-interval 60

Exit code: 0 done, 1 not connected or refused, 2 wrong flags.
`;
}

function subHelp(): string {
  return `Subscribe to an MQTT broker and print the messages

Usage: pregon sub -t FILTER [-t FILTER …] [FLAGS]
       pregon sub -L mqtt[s]://[USER:PASSWORD@]HOST[:PORT]/FILTER [FLAGS]
       pregon sub -L ws[s]://[USER:PASSWORD@]HOST[:PORT]/PATH -t FILTER [FLAGS]

Flags:
${flagLines(SUB_FLAGS)}
Properties of MQTT 5.0 for -D, user-property with a name and a value:
${propertyLines(SUB_COMMANDS)}
${TLS_HELP}
A format for -F is text with these in it, each with a width as in %-20t, those of text with a limit as in %.9t:
  %t topic     %p payload    %x %X payload in hexadecimal     %l its length    %j %J all as JSON, payload as text or JSON
  %q QoS       %r retained   %m packet identifier             %I %U @X time now: ISO 8601, Unix, strftime(3)'s %X
  %C content type            %R response topic                %D correlation data           %P user properties
  %E message expiry          %F payload format indicator      %S subscription identifier    %A topic alias
  %% @@ \\\\ %, @ and \\ themselves                             \\n \\r \\t \\v \\a \\e \\0 as in C

Examples:
  pregon sub -t 'home/#' -v                             topic and payload of everything below home
  pregon sub -t home/+/temp -C 1 -W 5                   one message, or exit code 27 after 5 s
  pregon sub -t '$SYS/#' -v --retained-only             what the broker says of itself
  pregon sub -t jobs -q 1 -c -i worker-7                also what came while this was not running
  pregon sub -t camera/photo -N -C 1 > photo.jpg
  pregon sub -L wss://broker.example.org/mqtt -t 'home/#'     over WebSocket and TLS, port 443
  pregon sub -t 'lab/#' -V mqttv5 -F '@H:@M:@S %t %C %P %p'   with what only MQTT 5.0 says

Exit code: 0 done, 1 not connected or refused, 2 wrong flags, 27 time is over.
`;
}

function passwdHelp(): string {
  return `Add a user to a password file, or give one a new password

Usage: pregon passwd FILE USER [FLAGS]
       pregon passwd FILE USER --delete
       pregon passwd FILE --batch [FLAGS]

Asks for the password, twice, or reads one line from a pipe. The broker reads the file when it starts,
pregon --auth-password-file FILE, and again when it gets the signal SIGHUP.

Arguments and flags:
${flagLines(PASSWD_FLAGS)}
Examples:
  pregon passwd users ana
  openssl rand -base64 18 | tee secret | pregon passwd users sensor-7
  pregon passwd users --batch < logins                  user:password on each line, all or none
  pregon passwd users ana -D

Exit code: 0 done, 1 not done, 2 wrong flags.
`;
}

function checkHelp(): string {
  return `Look whether the data of a broker are sound, and count them; nothing is changed

Usage: pregon check DATA

Arguments and flags:
${flagLines(CHECK_FLAGS)}
The broker may run meanwhile. What is left over, such as deliveries of sessions that ended a moment ago, is
tidied up by the broker itself.

Examples:
  pregon check ./data
  pregon check monday.db                                a backup

Exit code: 0 sound, 1 damaged or not there, 2 wrong arguments.
`;
}

function backupHelp(): string {
  return `Copy the data of a broker into one file: all that was acknowledged at one moment

Usage: pregon backup DATA FILE

Arguments and flags:
${flagLines(BACKUP_FLAGS)}
The broker may run meanwhile. FILE is for its owner only; one that is there is not overwritten. To restore, give the
copy to a broker as pregon.db in an empty folder:

  pregon backup ./data pregon-monday.db
  mkdir -m 700 restored && cp pregon-monday.db restored/pregon.db
  pregon --data restored

The copy counts as another broker's: message ids begin with other characters, and so streams that ask to go on after
an id from before are told that there is a gap.

Exit code: 0 done, 1 not done, 2 wrong arguments.
`;
}

function aclHelp(): string {
  return `Check a file of rules, or ask it who may do what

Usage: pregon acl check [FILE] [--config FILE]
       pregon acl explain [FILE] [--user NAME] --topic TOPIC (--publish|--subscribe|--read) [FLAGS]

FILE is auth.acl-file of the options if it is not given. The broker reads it when it starts, and again at SIGHUP:
pregon --auth-acl-file FILE

The first rule, from the top of the file, that names the action, the topic and whoever asks decides; if there is none,
the answer is no:

  [groups]
  admins = ["ana"]

  [[rule]]
  allow = "all"                          # or deny; publish, subscribe, read (and so subscribe), or a list of these
  topics = ["#", "$SYS/#"]               # does not reach what begins with $
  groups = ["admins"]                    # also users, clients, methods; a rule without any is for everybody

  [[rule]]
  allow = ["publish", "read"]
  topics = ["home/%u/#"]                 # %u is the user name, %c the client identifier
  retain = false                         # not about messages that are to be retained

Flags:
${flagLines(ACL_FLAGS)}
Examples:
  pregon acl check acl.toml
  pregon acl explain acl.toml --user bob --topic home/bob/lamp --publish --retain
  pregon acl explain --topic 'home/#' --subscribe

Exit code: 0 can be used or allowed, 1 cannot be used or denied, 2 wrong flags.
`;
}

function flagLines(flags: readonly Flag[]): string {
  const heads = flags.map(({ name, short, placeholder, isPositional }) => {
    if (isPositional) return `  ${name}`;
    const long = placeholder ? `--${name} ${placeholder}` : `--${name}`;
    return short ? `  -${short}, ${long}` : `      ${long}`;
  });
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  return flags.map((flag, index) => `${heads[index]!.padEnd(width)}${flag.help}\n`).join("");
}

function propertyLines(commands: readonly PropertyCommand[]): string {
  const width = Math.max(...commands.map((command) => command.length)) + 4;
  return commands.map((command) => {
    const lines = wrapped(propertyNames(command), HELP_COLUMNS - width);
    return `${`  ${command}`.padEnd(width)}${lines.join(`,\n${" ".repeat(width)}`)}\n`;
  }).join("");
}

/** Words in lines of no more than so many columns. */
function wrapped(words: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < columns) {
      lines[lines.length - 1] = `${last}, ${word}`;
    } else lines.push(word);
  }
  return lines;
}
