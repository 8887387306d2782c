/** Wiring: the OTLP servers, as the settings ask for them. */
import type { Clock } from "../model/clock.ts";
import type { OtlpHandler } from "../model/otlp-exchange.ts";
import { encodeRpcStatus, encodeStatus, encodeSuccess } from "../otlp/otlp-response.ts";
import { DEFAULT_OTLP_GRPC_LIMITS, OtlpGrpcServer } from "../receive/otlp-grpc-server.ts";
import type { TenantTokens } from "../receive/sender-tokens.ts";
import { DEFAULT_OTLP_HTTP_LIMITS, OtlpHttpServer } from "../receive/otlp-http-server.ts";
import { DEFAULT_OTLP_SERVER_LIMITS, type TlsFiles } from "../receive/otlp-server-options.ts";
import type { ReceiverSettings } from "./settings.ts";

/** What stands behind the doors. */
export interface DoorParts {
  readonly clock: Clock;
  readonly tls: TlsFiles | undefined;
  readonly tenantTokens: () => TenantTokens;
  readonly handler: OtlpHandler;
  readonly faulted: (reason: string) => void;
}

/** The servers; they do not listen yet. `otlpGrpc` is undefined without `OTLP_GRPC_PORT`. */
export function openDoors(
  settings: ReceiverSettings,
  parts: DoorParts,
): { readonly otlp: OtlpHttpServer; readonly otlpGrpc: OtlpGrpcServer | undefined } {
  const { maxBodyBytes, otlpHost: host, otlpToken: token, otlpPort, otlpGrpcPort } = settings;
  const door = { ...parts, host, token };
  // A body that is allowed has room at least when it is alone.
  const maxInFlightBytes = Math.max(DEFAULT_OTLP_SERVER_LIMITS.maxInFlightBytes, maxBodyBytes);
  const bodyLimits = { maxBodyBytes, maxInFlightBytes };
  const otlp = new OtlpHttpServer({
    ...door,
    port: otlpPort,
    limits: { ...DEFAULT_OTLP_HTTP_LIMITS, ...bodyLimits },
    encodeSuccess,
    encodeStatus,
  });
  if (otlpGrpcPort === undefined) return { otlp, otlpGrpc: undefined };
  const otlpGrpc = new OtlpGrpcServer({
    ...door,
    port: otlpGrpcPort,
    limits: { ...DEFAULT_OTLP_GRPC_LIMITS, ...bodyLimits },
    encodeSuccess: (acceptance) => encodeSuccess("protobuf", acceptance),
    encodeDetails: encodeRpcStatus,
  });
  return { otlp, otlpGrpc };
}
