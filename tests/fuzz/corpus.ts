/** Inputs as small files of text: bytes in hexadecimal, a line for each write; everything else as it is. */

const CORPUS = new URL("../corpus/", import.meta.url);

export interface CorpusInput {
  readonly name: string;
  readonly text: string;
}

/** What is kept for a target, by name. */
export async function readCorpus(target: string): Promise<CorpusInput[]> {
  const folder = new URL(`${target}/`, CORPUS);
  const inputs: CorpusInput[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    inputs.push({ name, text: await Deno.readTextFile(new URL(name, folder)) });
  }
  return inputs.sort((one, other) => one.name < other.name ? -1 : 1);
}

export function partsText(parts: readonly Uint8Array[]): string {
  return parts.map((part) => `${part.toHex()}\n`).join("");
}

export function partsOf(text: string): Uint8Array<ArrayBuffer>[] {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => Uint8Array.fromHex(line.replaceAll(" ", "")));
}
