import { backUp } from "../store/backup.ts";
import { checkData, type DataReport } from "../store/data_check.ts";
import { type CommandLine, UsageError } from "./command_line.ts";

/** Prints what is in the data; the exit code says whether they are sound. */
export function runCheck(line: CommandLine): number {
  const folder = line.get("DATA")?.[0];
  if (folder === undefined) {
    throw new UsageError("Cannot tell what to check: give the folder, pregon check DATA");
  }
  const report = checkData(folder);
  console.log(describe(report));
  return report.problems.length === 0 ? 0 : 1;
}

/** Copies the data; rejects when that cannot be done. */
export async function runBackup(line: CommandLine): Promise<number> {
  const [folder, file] = [line.get("DATA")?.[0], line.get("FILE")?.[0]];
  if (folder === undefined || file === undefined) {
    throw new UsageError("Cannot tell what to copy where: give folder and file, pregon backup DATA FILE");
  }
  const { bytes } = await backUp(folder, file);
  console.log(`${file}: ${bytes} bytes`);
  return 0;
}

function describe(
  { path, version, bytes, freeBytes, logBytes, counts, leftovers, problems }: DataReport,
): string {
  const rows: [name: string, value: string][] = [
    ["schema", `version ${version}`],
    ["size", `${bytes} bytes, ${freeBytes} of them free`],
    ["log", `${logBytes} bytes`],
    ...Object.entries(counts).map(([name, count]): [string, string] => [name, String(count)]),
    ["left over", String(leftovers)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return [
    `${path}: ${problems.length === 0 ? "sound" : "damaged"}`,
    ...problems.map((problem) => `  ${problem}`),
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}${value}`),
  ].join("\n");
}
