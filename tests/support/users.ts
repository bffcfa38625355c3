import { parsePasswordFile } from "../../broker/auth/password_file.ts";
import { UserTable } from "../../broker/auth/user_table.ts";
import { ScramVerifier } from "../../broker/auth/scram_verifier.ts";

/** The salt of RFC 7677's example. */
export const RFC_SALT = Uint8Array.fromBase64("W22ZaJ0SNY7soEsUEjb6gQ==");

/** What is kept of the password in RFC 7677's example, `pencil`, or of another one. */
export async function verifierOf(password = "pencil", iterations = 4096): Promise<ScramVerifier> {
  return await ScramVerifier.make(password, { iterations, salt: RFC_SALT });
}

/** A password file with these users. */
export async function passwordFileOf(passwords: Readonly<Record<string, string>>): Promise<string> {
  const lines = Object.entries(passwords).map(async ([name, password]) =>
    `${name}:${await verifierOf(password)}\n`
  );
  return (await Promise.all(lines)).join("");
}

export async function usersOf(passwords: Readonly<Record<string, string>>): Promise<UserTable> {
  const text = await passwordFileOf(passwords);
  return new UserTable(parsePasswordFile({ name: "users", text }), new Uint8Array(32));
}
