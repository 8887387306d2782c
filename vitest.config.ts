/** How tests run: real servers are made sure of first, and no more than two test files run at a time, calls of browsers alone. */
import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";
import { sdk2File } from "./tests/support/otel-sdk-2.ts";

/** What the tests of `src/http` take from the SDK and the API. */
const SDK_PACKAGES = ["api", "context-async-hooks", "instrumentation-http", "sdk-metrics"];
/** Those that start apps of their own, which take the SDK from elsewhere. */
const WITH_OWN_SDK = ["register*", "examples", "express-versions", "own-sdk"].map(
  (name) => `tests/http/${name}.test.ts`,
);

/** Calls in real time, whose round trips and losses are compared with what was put in: they run last, and one at a time. */
const CALLS = ["tests/flow/meeting-*.test.ts", "tests/flow/live-page-call.test.ts", "tests/compose/demo-call.test.ts"];

const config: ViteUserConfig = defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: "all",
          include: ["tests/**/*.test.ts"],
          exclude: CALLS,
          globalSetup: ["tests/support/ensure-services.ts", "tests/support/otel-sdk-2.ts"],
        },
      },
      {
        extends: true,
        resolve: {
          alias: Object.fromEntries(
            SDK_PACKAGES.map((name) => [`@opentelemetry/${name}`, sdk2File(`@opentelemetry/${name}`)]),
          ),
        },
        test: {
          name: "http on SDK 2.x",
          env: { TESTED_SDK_LINE: "2" },
          include: ["tests/http/**/*.test.ts"],
          exclude: WITH_OWN_SDK,
          globalSetup: ["tests/support/otel-sdk-2.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "calls",
          include: CALLS,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

export default config;
