/** What the check of the manifest and the lockfile catches. */
import { describe, expect, it } from "vitest";
import { lowestNodeVersion, manifestFaults, type PackageManifest } from "../../scripts/package-manifest.ts";

const manifest: PackageManifest = {
  name: "made-up",
  version: "1.0.0",
  engines: { node: ">=22.15" },
  exports: {},
  bin: {},
  dependencies: { driver: "^1.0.0" },
  peerDependencies: { api: ">=1.9 <1.11" },
  devDependencies: { api: "^1.10.0" },
};
const lockfile = (packages: Readonly<Record<string, unknown>>): string => JSON.stringify({ packages }, undefined, 2);

describe("manifestFaults", () => {
  it("finds nothing wrong with a sound package", () => {
    expect(manifestFaults(manifest, lockfile({ "node_modules/driver": { version: "1.0.0" } }))).toEqual([]);
  });

  it("refuses a peer that is a dependency: an app would get a second copy", () => {
    const faulty = { ...manifest, dependencies: { api: "^1.10.0" } };
    expect(manifestFaults(faulty, lockfile({}))).toEqual(["api is a peer and must not be a dependency"]);
  });

  it("refuses a peer that is not a devDependency", () => {
    const faulty = { ...manifest, devDependencies: {} };
    expect(manifestFaults(faulty, lockfile({}))).toEqual(["api is a peer and must be a devDependency too"]);
  });

  it("refuses a range that is not a caret range", () => {
    const faulty = { ...manifest, dependencies: { driver: "1.0.0" } };
    expect(manifestFaults(faulty, lockfile({}))).toEqual(["driver: expected a caret range (got 1.0.0)"]);
  });

  it("takes an alias by the range of its package", () => {
    const aliased = (range: string): PackageManifest => ({ ...manifest, dependencies: { old: range } });
    expect(manifestFaults(aliased("npm:driver@^1.0.0"), lockfile({}))).toEqual([]);
    expect(manifestFaults(aliased("npm:driver@1.0.0"), lockfile({}))).toHaveLength(1);
  });

  it("refuses a lockfile that names a registry", () => {
    const packages = { "node_modules/driver": { resolved: "https://packages.example/driver.tgz" } };
    expect(manifestFaults(manifest, lockfile(packages))).toEqual(["package-lock.json names a registry (resolved)"]);
  });

  it("refuses a lockfile without the binaries of other platforms", () => {
    const packages = {
      "node_modules/tool": { optionalDependencies: { "@tool/linux": "1", "@tool/mac": "1" } },
      "node_modules/@tool/linux": {},
    };
    expect(manifestFaults(manifest, lockfile(packages))).toEqual(["package-lock.json has no @tool/mac"]);
  });
});

describe("lowestNodeVersion", () => {
  it("completes the version", () => {
    expect(lowestNodeVersion(manifest)).toBe("22.15.0");
  });

  it("refuses a range of another form", () => {
    expect(() => lowestNodeVersion({ ...manifest, engines: { node: "22 || 24" } })).toThrow("expected >=X.Y");
  });
});
