/**
 * The body-size histograms of the semantic conventions, which servers and clients have alike.
 */
import type { Attributes } from "@opentelemetry/api";
import type { BoundHistogram, SizeInstruments } from "./size-instruments.ts";

/** Bucket bounds of the body sizes, bytes; powers of two around what APIs and downloads send. */
const BODY_SIZE_BOUNDARIES: readonly number[] = [
  0, 128, 512, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
];

/** Where the body sizes of exchanges with equal attributes go. */
export interface BodySizeSeries {
  readonly requestBody: BoundHistogram;
  readonly responseBody: BoundHistogram;
}

/** Makes both histograms of a side; what it returns binds them to attributes. */
export function bodySizeHistograms(
  instruments: SizeInstruments,
  side: "server" | "client",
): (attributes: Attributes) => BodySizeSeries {
  const histogramOf = (message: "request" | "response") =>
    instruments.histogram({
      name: `http.${side}.${message}.body.size`,
      description: `Size of HTTP ${side} ${message} bodies.`,
      boundaries: BODY_SIZE_BOUNDARIES,
    });
  const [requestBody, responseBody] = [histogramOf("request"), histogramOf("response")];
  return (attributes) => ({ requestBody: requestBody(attributes), responseBody: responseBody(attributes) });
}
