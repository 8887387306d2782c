/** The live page on its real server, with figures that a test gives. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeLivePage } from "../../scripts/live-bundle.ts";
import { LivePage } from "../../src/bridge/live-page.ts";
import { LiveServer, type LiveServerOptions } from "../../src/bridge/live-server.ts";
import { failure, retryable, type Result, success } from "../../src/model/result.ts";
import type { LiveHistory } from "../../src/realtime/live-history.ts";
import type { LiveView } from "../../src/realtime/live-view.ts";
import { busyFigures, busyHistory } from "./live-figures.ts";

/** Bundles the page into a folder of its own; delete it when done. */
export async function bundledPage(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "otel-bandwidth-page-"));
  await writeLivePage(join(folder, "live"));
  return folder;
}

/** What a server on loopback answers from; with a token it asks for that. */
export function liveServerOptions(
  answers: Pick<LiveServerOptions, "live" | "history">,
  { port = 0, token }: { readonly port?: number; readonly token?: string | undefined } = {},
): LiveServerOptions {
  const asks = {
    authorise: async (given: string | undefined) =>
      given === token ? success(undefined) : failure("unauthenticated", "a valid bearer token is needed"),
  };
  const ready = async (): Promise<Result<unknown>> => success({});
  const metrics = async (): Promise<Result<never>> => retryable("unavailable", "nothing is measured");
  return {
    host: "127.0.0.1",
    port,
    maxConnections: 100,
    faulted: () => undefined,
    metrics,
    ready,
    ...(token === undefined ? {} : asks),
    ...answers,
  };
}

/** A server of the page. */
export class LiveSite {
  view: () => LiveView = () => busyFigures(Date.now());
  history: () => LiveHistory = () => busyHistory(Date.now());
  /** Why the figures cannot be had; undefined while they can. */
  fault: string | undefined;
  readonly #folder: string;
  readonly #token: string | undefined;
  #server: LiveServer;
  #port = 0;

  private constructor(folder: string, token: string | undefined) {
    this.#folder = folder;
    this.#token = token;
    this.#server = this.#makeServer();
  }

  /** Starts it on a free port, with the page that lies in `folder`. */
  static async start(folder: string, token?: string): Promise<LiveSite> {
    const site = new LiveSite(folder, token);
    await site.listen();
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Listens again after `close`, at the same address. */
  async listen(): Promise<void> {
    if (this.#port !== 0) this.#server = this.#makeServer();
    const listening = await this.#server.listen();
    if (listening.kind !== "success") throw new Error(listening.reason);
    this.#port = listening.value;
  }

  /** Ends it, as a receiver that goes away does. */
  close(): Promise<void> {
    return this.#server.close();
  }

  #makeServer(): LiveServer {
    const answer = <T>(of: () => T) =>
      Promise.resolve(this.fault === undefined ? success(of()) : retryable("unavailable", this.fault));
    const answers = { live: () => answer(this.view), history: () => answer(this.history) };
    const server = new LiveServer(liveServerOptions(answers, { port: this.#port, token: this.#token }));
    server.setPage(LivePage.read(join(this.#folder, "live"), 4318));
    return server;
  }
}

/** Deletes what {@link bundledPage} made. */
export function removePage(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
