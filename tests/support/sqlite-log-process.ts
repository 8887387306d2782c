/**
 * A process of its own that opens the SQLite log in the directory given, says "open" or "refused: <reason>", and then appends
 * one entry for each line on its standard input, of as many bytes as the line says, and prints "id <id>" or "fault <code>".
 */
import { createInterface } from "node:readline";
import { openSqliteLogs } from "../../src/log/open-sqlite-logs.ts";
import { logEntry, opened } from "./log-entries.ts";

const files = openSqliteLogs({
  dataDirectory: process.argv[2]!,
  storage: "file",
  limits: { maxEntries: 1_000_000, maxBytes: 1_000_000_000 },
});
if (files.kind === "success") {
  console.log("open");
  const log = await opened(files.value.logs(1)[0]!);
  for await (const line of createInterface({ input: process.stdin })) {
    const result = await log.append(logEntry({ body: Buffer.alloc(Number(line), 7) }));
    console.log(result.kind === "success" ? `id ${result.value.id}` : `fault ${result.code}`);
  }
} else {
  console.log(`refused: ${files.reason}`);
}
