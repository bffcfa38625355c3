import { assertEquals, assertThrows } from "@std/assert";
import { parseConfigFile } from "../broker/config_file.ts";
import { ConfigError, resolveOptions } from "../broker/config.ts";

function refusalOf(text: string): string {
  return assertThrows(() => parseConfigFile({ name: "pregon.toml", text }), ConfigError).message;
}

Deno.test("a key that a file gives twice is refused with both lines, however it is written", () => {
  const twice = (path: string, first: number, second: number) =>
    `Cannot use ${path} from pregon.toml: it is given twice, in line ${first} and in line ${second}`;
  const closing = "[auth]\nallow-anonymous = false\n# later\nallow-anonymous = true\n";
  assertEquals(refusalOf(closing), twice("auth.allow-anonymous", 2, 4));
  assertEquals(
    refusalOf('[http]\nallowed-origins = [\n"a",\n]\nallowed-origins = []'),
    twice("http.allowed-origins", 2, 5),
  );
  assertEquals(refusalOf("mqtt.port = 1\nmqtt.port = 2"), twice("mqtt.port", 1, 2));
  assertEquals(refusalOf('data = "a"\ndata = "b"'), twice("data", 1, 2));
  assertEquals(refusalOf("[log]\nlevel = '''\na\nlevel = 1'''\nlevel = 2"), twice("log.level", 2, 5));
  for (const text of ["[mqtt]\nport = 1\n[mqtt]\nport = 2", "mqtt = { port = 1 }\n[mqtt]\nport = 2"]) {
    refusalOf(text);
  }
});

Deno.test("keys of one name in different sections are different keys, and strings are no keys", () => {
  const text = [
    'data = "x"',
    "[mqtt]",
    'host = "h" # host = 1',
    "[http]",
    'host = """',
    "host = 2",
    '"""',
    "allowed-hosts = [ # '''",
    '  "a]",',
    "]",
    "port = 1",
  ].join("\n");
  assertEquals(parseConfigFile({ name: "pregon.toml", text }), {
    data: "x",
    mqtt: { host: "h" },
    http: { host: "host = 2\n", "allowed-hosts": ["a]"], port: 1 },
  });
});

Deno.test("a URL that is refused is quoted without its user and password", () => {
  for (const url of ["http://ana:s3cret@hook.example/who", "ftp://:s3cret@h", "http://s3cret@h@i/"]) {
    const { message } = assertThrows(() => resolveOptions({ flags: { "auth-hook-url": url } }), ConfigError);
    assertEquals([message.includes("s3cret"), message.includes("//…@")], [false, true], message);
  }
});
