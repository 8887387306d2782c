/** Wiring: the keys of the bridge's tokens, and what is printed where nobody has set any. */
import { randomBytes } from "node:crypto";
import { TokenKeys } from "../bridge/token-keys.ts";
import type { Clock } from "../model/clock.ts";
import type { ReceiverSettings } from "./settings.ts";

/** Keys, and the secret if it was made for this run alone. */
export interface BridgeKeys {
  readonly keys: TokenKeys;
  readonly madeUpSecret: string | undefined;
}

/** Tokens for trying out a receiver without keys of its own. */
export interface TrialAccess {
  /** The secret they are signed with: the next run has another. */
  readonly secret: string;
  readonly participantToken: string;
  readonly adminToken: string;
}

const TRIAL_SECONDS = 86_400;

/** The keys that the settings name; without any, a random secret. */
export function bridgeKeys(settings: ReceiverSettings, clock: Clock): BridgeKeys {
  const { bridgeJwtSecret, bridgeJwksUrl } = settings;
  const isNamed = bridgeJwtSecret !== undefined || bridgeJwksUrl !== undefined;
  const madeUpSecret = isNamed ? undefined : randomBytes(32).toString("base64url");
  const keys = new TokenKeys({ secret: bridgeJwtSecret ?? madeUpSecret, jwksUrl: bridgeJwksUrl, clock });
  return { keys, madeUpSecret };
}

/** Tokens for the secret that was made up; `undefined` where keys are set. */
export async function trialAccess({ keys, madeUpSecret }: BridgeKeys): Promise<TrialAccess | undefined> {
  if (madeUpSecret === undefined) return undefined;
  const who = { meeting: "trial", participant: "you" };
  return {
    secret: madeUpSecret,
    participantToken: await keys.issue({ ...who, role: "participant", expiresInSeconds: TRIAL_SECONDS }),
    adminToken: await keys.issue({ role: "admin", expiresInSeconds: TRIAL_SECONDS }),
  };
}
