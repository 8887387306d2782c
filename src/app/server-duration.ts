/**
 * The HTTP instrumentation of `register`: the durations of aborted requests get the attributes that their sizes have, so that
 * both stay one series. By itself instrumentation-http tells a request that was given up before any answer as a 200 without an
 * error, and SQL would show two requests for one.
 */

import type { Attributes, Histogram, Meter, MeterProvider } from "@opentelemetry/api";
import { HttpInstrumentation, type HttpInstrumentationConfig } from "@opentelemetry/instrumentation-http";
import type { OutgoingMessage } from "node:http";
import { attributesOfAborted } from "../http/aborted-attributes.ts";

const SERVER_DURATION = "http.server.request.duration";

/** Instruments node:http and node:https, as its base. */
export class RegisteredHttpInstrumentation extends HttpInstrumentation {
  /** The response whose duration is recorded next. */
  #response: object | undefined = undefined;

  /** `config` is the base's, but for the hook that is needed here. */
  constructor(config: Omit<HttpInstrumentationConfig, "applyCustomAttributesOnSpan">) {
    super(config);
    this.setConfig({
      ...this.getConfig(),
      // The last thing the base does before it records.
      applyCustomAttributesOnSpan: (_span, _request, response) => {
        this.#response = response;
      },
    });
  }

  /** Records into `meterProvider`. */
  override setMeterProvider(meterProvider: MeterProvider): void {
    super.setMeterProvider({ getMeter: (...scope) => this.#meter(meterProvider.getMeter(...scope)) });
  }

  /** Records into the meter provider of the app itself, as an instrumentation of its own would. */
  handOver(meterProvider: MeterProvider): void {
    super.setMeterProvider(meterProvider);
  }

  #meter(meter: Meter): Meter {
    return new Proxy(meter, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        if (name !== "createHistogram") return value.bind(target) as unknown;
        return (...args: Parameters<Meter["createHistogram"]>) => {
          const histogram = target.createHistogram(...args);
          return args[0] === SERVER_DURATION ? this.#histogram(histogram) : histogram;
        };
      },
    });
  }

  #histogram(histogram: Histogram): Histogram {
    return {
      record: (seconds, attributes: Attributes = {}, context) => {
        const response = this.#response;
        this.#response = undefined;
        histogram.record(seconds, attributesOfAborted(response as OutgoingMessage | undefined, attributes), context);
      },
    };
  }
}
