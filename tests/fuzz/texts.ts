// Files as people write them, and what breaks such files.

const PENCIL = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" +
  "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

const CHARACTERS = [..."\n\r\t\0\u007f\u0085\u2028\ufeff\u00ad\u0301\ud800 \"'#=[]{},.:;$+-_\\%*/@0189eExX"];
const LONG = [
  "x".repeat(5_000),
  "[".repeat(3_000),
  "{ a = ".repeat(1_000),
  "a.".repeat(2_000),
  "\n".repeat(2_000),
];
const TOML_PIECES = [
  ...CHARACTERS,
  ...LONG,
  '"""',
  "'''",
  "[[",
  "]]",
  "__proto__",
  "constructor",
  "1979-05-27T07:32:00Z",
  "0x7fffffffffffffff",
  "1e999",
  "nan",
  "-inf",
  "\\u0000",
  "\\UFFFFFFFF",
];

export const CONFIG_SEEDS = [
  'host = "0.0.0.0"\ndata = "./data"\n[mqtt]\nport = 1883\nmaximum-qos = 1\nresponse-information = "reply/%c"\n',
  '[http]\nport = 8080\nallowed-hosts = ["a.example", "*"]\nallowed-origins = ["https://a.example"]\n',
  '[auth]\npassword-file = "users"\nmethods = ["password-file", "jwt"]\njwt-keys = "keys"\njwt-field = "username"\n',
  '[log]\nlevel = "debug"\n[limits]\nretained-max = 100_000\npublish-rate-max = 0\nstall-seconds = 2147483647\n',
  'durability = "memory"\nlimits = { inflight-max = 5 }\nmqtt.port = 0\n[auth.more]\nx = 1\n',
];
export const CONFIG_PIECES = [
  ...TOML_PIECES,
  "mqtt.",
  "[limits]\n",
  "port = 65536",
  "true",
  "false",
  "--host",
];

export const ACL_SEEDS = [
  '[groups]\nadmins = ["ana", "bob"]\n[[rule]]\nallow = "all"\ntopics = ["#", "$SYS/#"]\ngroups = ["admins"]\n',
  '[[rule]]\ndeny = ["publish", "subscribe"]\ntopics = ["a/+/b", "%u/#", "%c"]\nusers = ["*"]\nretain = true\n',
  '# all\n[[rule]]\nallow = "read"\ntopics = [\n  "a", # first\n  "b/#",\n]\nmethods = ["http"]\nclients = ["x"]\n',
];
export const ACL_PIECES = [
  ...TOML_PIECES,
  "[[rule]]\n",
  "[groups]\n",
  "%u",
  "%c",
  "%",
  "$share/g/a",
  "a/#/b",
  "a+",
  "/".repeat(300),
  "allow =",
  "topics = []",
];

export const PASSWORD_SEEDS = [
  `# ours\nana:${PENCIL}\nbob:${PENCIL}\n`,
  "u:$7$101$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaA==\n",
  "v:$scrypt$ln=15,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA==$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g=\n",
];
export const PASSWORD_PIECES = [
  ...CHARACTERS,
  ...LONG,
  "::",
  "$$",
  "ln=99",
  "ln=-1",
  "p=1e9",
  "$7$",
  "4294967296",
  "anonymous:",
  "\u0627a",
  "====",
];
