/** Finds the live page that the build wrote: beside the compiled files, or in `dist` when the sources run as they are. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LivePage } from "../bridge/live-page.ts";
import { messageOf, retryable, success, type Result } from "../model/result.ts";

const PLACES = ["../live/", "../../dist/live/"].map((place) => fileURLToPath(new URL(place, import.meta.url)));

/**
 * Reads the page; `otlpPort` is what it tells people to send to. Retryable `unavailable` when there is none: a receiver does
 * its work without it.
 */
export function openLivePage(otlpPort: number, directory: string | undefined = builtPage()): Result<LivePage> {
  if (directory === undefined) return retryable("unavailable", "it was not built; npm run build does that");
  try {
    return success(LivePage.read(directory, otlpPort));
  } catch (error) {
    return retryable("unavailable", messageOf(error));
  }
}

function builtPage(): string | undefined {
  // The sources have an index.html, too, but no assets.
  return PLACES.find((place) => existsSync(`${place}assets`));
}
