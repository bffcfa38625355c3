import type { Flag } from "./command_line.ts";

const DATA: Flag = {
  name: "DATA",
  isPositional: true,
  help: "Folder with the data, as given to --data, or the file itself",
};
const HELP: Flag = { name: "help", short: "h", help: "Print this and exit" };

export const CHECK_FLAGS: readonly Flag[] = [DATA, HELP];
export const BACKUP_FLAGS: readonly Flag[] = [
  DATA,
  { name: "FILE", isPositional: true, help: "The copy; it must not be there yet" },
  HELP,
];
