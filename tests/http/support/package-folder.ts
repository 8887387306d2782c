/**
 * Folders outside the repository that look as if their user had run `npm install`: this package built from `src/`, other
 * packages linked. Apps in them resolve what a user's app resolves.
 */

import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runOrThrow } from "../../../scripts/run-command.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const MODULES = join(ROOT, "node_modules");
const TYPESCRIPT = join(MODULES, "typescript/bin/tsc");

/** A temporary folder with this package built into it; apps are copied beside it. Disposing removes everything. */
export class PackageFolder implements AsyncDisposable {
  readonly #folder: string;
  #apps = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Builds the package; with `api`, the peer that it finds is the one in that folder. */
  static async create(api?: string): Promise<PackageFolder> {
    const folder = new PackageFolder(await mkdtemp(join(tmpdir(), "otel-bandwidth-package-")));
    await mkdir(folder.#package, { recursive: true });
    await cp(join(ROOT, "package.json"), join(folder.#package, "package.json"));
    const modules = join(folder.#package, "node_modules");
    if (api === undefined) await symlink(MODULES, modules);
    else {
      await linkAll(MODULES, modules, "@opentelemetry");
      await linkAll(join(MODULES, "@opentelemetry"), join(modules, "@opentelemetry"), "api");
      await symlink(api, join(modules, "@opentelemetry/api"));
    }
    await compile(join(ROOT, "tsconfig.build.json"), join(folder.#package, "dist"));
    return folder;
  }

  get #package(): string {
    return join(this.#folder, "otel-bandwidth");
  }

  /** Copies `source` and links what its manifest names, and nothing else. */
  async install(source: string): Promise<string> {
    const app = join(this.#folder, `app-${(this.#apps += 1)}`);
    await cp(source, app, { recursive: true, filter: (path) => !/node_modules|dist/.test(path.slice(source.length)) });
    const { dependencies, devDependencies } = await manifestOf(app);
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) await this.link(app, name);
    return app;
  }

  /** Links the package `name` into `app`. */
  async link(app: string, name: string, target: string = this.#target(name)): Promise<void> {
    const place = join(app, "node_modules", name);
    await mkdir(dirname(place), { recursive: true });
    await symlink(target, place);
  }

  /** Links the package that is installed as `alias` under its own `name`, as the hooks of instrumentations look for it. */
  async linkAlias(app: string, name: string, alias: string): Promise<void> {
    const modules = join(app, "aliased/node_modules");
    await linkAll(MODULES, modules, name);
    await cp(join(MODULES, alias), join(modules, name), { recursive: true });
    await this.link(app, name, join(modules, name));
  }

  #target(name: string): string {
    return name === "otel-bandwidth" ? this.#package : join(MODULES, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Links all packages of one folder into another, but for one. */
async function linkAll(from: string, into: string, except: string): Promise<void> {
  await mkdir(into, { recursive: true });
  for (const name of await readdir(from)) {
    if (name !== except && !name.startsWith(".")) await symlink(join(from, name), join(into, name));
  }
}

/** The parts of a manifest that tests read. */
export interface AppManifest {
  readonly scripts: { readonly prestart?: string; readonly start: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export async function manifestOf(app: string): Promise<AppManifest> {
  return JSON.parse(await readFile(join(app, "package.json"), "utf8")) as AppManifest;
}

/** Compiles a project as `tsc` does. */
export async function compile(project: string, outDir?: string): Promise<void> {
  await runOrThrow(process.execPath, [
    TYPESCRIPT,
    "-p",
    project,
    ...(outDir === undefined ? [] : ["--outDir", outDir]),
  ]);
}
