import { StartError } from "./start.ts";

/** Where a password comes from: a terminal, or a pipe. */
export interface Terminal {
  isTerminal(): boolean;
  /** Raw: keys come one by one, and nothing is shown. */
  setRaw(isRaw: boolean): void;
  read(buffer: Uint8Array): Promise<number | null>;
}

const PASSWORD_BYTES_MAX = 1024;
const READ_BYTES = 256;

const KEY = {
  interrupt: 0x03,
  endOfInput: 0x04,
  backspace: 0x08,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  eraseLine: 0x15,
  delete: 0x7f,
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Asks for the password twice at a terminal, without showing it; else reads one line. */
export async function readPassword(terminal: Terminal, user: string): Promise<string> {
  const keys = new Keys(terminal);
  if (!terminal.isTerminal()) return checked(await readLine(keys, { isTyped: false }));
  terminal.setRaw(true);
  try {
    const password = checked(await ask(keys, `Password of ${user}: `));
    if (await ask(keys, "Once more: ") === password) return password;
    throw new StartError("Cannot use the password: it was not the same the second time");
  } finally {
    terminal.setRaw(false);
  }
}

async function ask(keys: Keys, question: string): Promise<string> {
  await say(question);
  try {
    return await readLine(keys, { isTyped: true });
  } finally {
    await say("\n");
  }
}

/** Up to the end of the line or of the input. In a raw terminal nobody else looks after the keys that correct. */
async function readLine(keys: Keys, { isTyped }: { readonly isTyped: boolean }): Promise<string> {
  const bytes: number[] = [];
  for (let key = await keys.next(); key !== undefined; key = await keys.next()) {
    if (key === KEY.lineFeed || (isTyped && key === KEY.carriageReturn)) break;
    if (isTyped && (key === KEY.interrupt || key === KEY.endOfInput)) {
      throw new StartError("Nothing was changed");
    }
    if (isTyped && key === KEY.eraseLine) bytes.length = 0;
    else if (isTyped && (key === KEY.backspace || key === KEY.delete)) dropCharacter(bytes);
    else bytes.push(key);
    if (bytes.length > PASSWORD_BYTES_MAX) {
      throw new StartError(`Cannot use the password: it has more than ${PASSWORD_BYTES_MAX} bytes`);
    }
  }
  try {
    return utf8.decode(Uint8Array.from(bytes)).replace(/\r$/, "");
  } catch {
    throw new StartError("Cannot use the password: it is not UTF-8");
  }
}

/** With all its bytes: those after the first begin with the bits 10. */
function dropCharacter(bytes: number[]): void {
  while (bytes.length > 0 && (bytes.pop()! & 0xc0) === 0x80);
}

function checked(password: string): string {
  if (password === "") throw new StartError("Cannot use the password: it is empty");
  return password;
}

async function say(text: string): Promise<void> {
  await Deno.stderr.write(encoder.encode(text));
}

/** The input byte by byte; a read may bring both answers at once. */
class Keys {
  readonly #terminal: Terminal;
  readonly #buffer = new Uint8Array(READ_BYTES);
  #position = 0;
  #length = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Undefined at the end of the input. */
  async next(): Promise<number | undefined> {
    if (this.#position === this.#length) {
      this.#position = 0;
      this.#length = await this.#terminal.read(this.#buffer) ?? 0;
      if (this.#length === 0) return undefined;
    }
    return this.#buffer[this.#position++];
  }
}
