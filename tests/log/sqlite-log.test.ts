import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteLogs } from "../../src/log/open-sqlite-logs.ts";
import type { SqliteLogs } from "../../src/log/open-sqlite-logs.ts";
import type { LogLimits } from "../../src/model/ingest-log.ts";
import { ingestLogContract } from "../contract/ingest-log.ts";
import type { LogUnderTest } from "../contract/ingest-log.ts";
import { valueOf } from "../support/log-entries.ts";

async function openSqliteLog(limits: LogLimits, maxReadBytes = 16 * 1024 * 1024): Promise<LogUnderTest> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "otel-bandwidth-log-"));
  const options = { dataDirectory, limits, storage: "file", maxReadBytes };
  let logs: SqliteLogs = valueOf(openSqliteLogs(options));
  return {
    log: logs.logs(1)[0]!,
    async reopen() {
      logs.close();
      logs = valueOf(openSqliteLogs(options));
      return logs.logs(1)[0]!;
    },
    async close() {
      logs.close();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

ingestLogContract("SqliteLog", openSqliteLog);
