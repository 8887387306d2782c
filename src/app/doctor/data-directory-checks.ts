/**
 * Checks the folder of the embedded stores: writable, and nobody else in it.
 */
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { directoryLockHolder } from "../../log/directory-lock.ts";
import { messageOf } from "../../model/result.ts";
import type { ReceiverSettings } from "../settings.ts";
import { fail, ok, warn, type Check } from "./check.ts";

const SUBJECT = "DATA_DIR";

/** Nothing when neither store is embedded. */
export function dataDirectoryChecks({ dataDirectory, redisUrl, mysqlUrl }: ReceiverSettings): readonly Check[] {
  if (redisUrl !== undefined && mysqlUrl !== undefined) return [];
  const directory = resolve(dataDirectory);
  const existing = nearestExisting(directory);
  const fault = writeFault(existing);
  if (fault !== undefined) {
    return [
      fail(
        SUBJECT,
        `${directory} cannot be written (${fault}): let this user write ${existing}, or set another DATA_DIR`,
      ),
    ];
  }
  if (existing !== directory) return [ok(SUBJECT, `${directory} does not exist yet and can be made`)];
  return [lockCheck(directory)];
}

function lockCheck(directory: string): Check {
  try {
    const holder = directoryLockHolder(directory);
    if (holder === undefined) return ok(SUBJECT, `${directory} can be written and nobody is in it`);
    return warn(SUBJECT, `${directory} is in use by ${holder}; a second receiver would need another DATA_DIR`);
  } catch (error) {
    return fail(SUBJECT, `the lock in ${directory} cannot be read: ${messageOf(error)}`);
  }
}

function nearestExisting(directory: string): string {
  return existsSync(directory) || dirname(directory) === directory ? directory : nearestExisting(dirname(directory));
}

function writeFault(directory: string): string | undefined {
  try {
    if (!statSync(directory).isDirectory()) return "it is no folder";
    accessSync(directory, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
