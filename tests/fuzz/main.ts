/** Fuzzes for minutes what `fuzz_test.ts` fuzzes for seconds: `deno task fuzz [minutes] [seed]`. */

const TEST = new URL("../fuzz_test.ts", import.meta.url).pathname;
const LOCK = new URL("../deno.lock", import.meta.url).pathname;
const MINUTES = 1;

if (import.meta.main) Deno.exit(await main(Deno.args));

/** Answers the exit code: that of the tests, or 2 for wrong arguments. */
async function main([minutes = String(MINUTES), seed, ...others]: readonly string[]): Promise<number> {
  const isRight = Number(minutes) > 0 && (seed === undefined || /^\d+$/.test(seed)) && others.length === 0;
  if (!isRight) {
    console.error("Cannot fuzz with these arguments: give [minutes] [seed], such as 10 4294967295");
    return 2;
  }
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", `--lock=${LOCK}`, "--quiet", "--allow-all", TEST],
    env: {
      PREGON_FUZZ_SECONDS: String(Number(minutes) * 60),
      ...(seed === undefined ? {} : { PREGON_FUZZ_SEED: seed }),
    },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  return code;
}
