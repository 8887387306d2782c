/**
 * The ways of measuring an HTTP server that `http-cost.ts` compares. Each is set up in a process of its own.
 */

import { context, createNoopMeter, type MeterProvider as ApiMeterProvider } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { AggregationType, InstrumentType, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { createRequire } from "node:module";
import { CellInstruments, type HistogramAggregation } from "../src/http/cells/cell-instruments.ts";
import { HttpSizeInstrumentation } from "../src/http/index.ts";

const MAX_BUCKETS = 160;
const CARDINALITY_LIMIT = 2_000;

class IdleReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function provider(exponential: boolean): MeterProvider {
  const aggregation = {
    type: AggregationType.EXPONENTIAL_HISTOGRAM,
    options: { maxSize: MAX_BUCKETS, recordMinMax: true },
  } as const;
  const views = exponential ? [{ instrumentType: InstrumentType.HISTOGRAM, aggregation }] : [];
  return new MeterProvider({ readers: [new IdleReader()], views });
}

function counting(meterProvider: Pick<ApiMeterProvider, "getMeter">): void {
  new HttpSizeInstrumentation().setMeterProvider(meterProvider);
}

function countingIntoCells(histograms: HistogramAggregation): void {
  const limits = { histogramLimit: CARDINALITY_LIMIT, counterLimit: 2 * CARDINALITY_LIMIT };
  void new HttpSizeInstrumentation({}, new CellInstruments({ histograms, ...limits }));
}

function instrumentationHttp(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  new HttpInstrumentation().setMeterProvider(provider(false));
  createRequire(import.meta.url)("http");
}

/** Sets a mode up in this process. */
export type SetUp = () => void | Promise<unknown>;

/** By what a table calls them. `register` exports nothing while it is measured: its interval is set long. */
export const MODES: Readonly<Record<string, SetUp>> = {
  bare: () => {},
  "counting alone": () => counting({ getMeter: () => createNoopMeter() }),
  "two SDK histograms": () => counting(provider(false)),
  "two exponential SDK histograms": () => counting(provider(true)),
  "cells, explicit buckets": () => countingIntoCells({ kind: "explicit" }),
  "cells, exponential": () => countingIntoCells({ kind: "exponential", maxSize: MAX_BUCKETS }),
  "instrumentation-http, metrics only": instrumentationHttp,
  "instrumentation-http and two SDK histograms": () => {
    instrumentationHttp();
    counting(provider(false));
  },
  "instrumentation-http and exponential cells": () => {
    instrumentationHttp();
    countingIntoCells({ kind: "exponential", maxSize: MAX_BUCKETS });
  },
  "register as a whole": () => {
    process.env["OTEL_METRIC_EXPORT_INTERVAL"] = "3600000";
    return import("../src/app/register.ts");
  },
};
