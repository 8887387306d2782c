// What a page needs to be measured in a call, and to make it through the TURN server. A real backend knows who has logged in; here
// anybody may be anybody.
import { createHmac } from "node:crypto";

const VALID_SECONDS = 600;

/** The session of a participant, from the environment: `BRIDGE_URL`, `BRIDGE_JWT_SECRET`, `TURN_URL`, `TURN_SECRET`. */
export function callSession(meeting, participant, environment = process.env) {
  const { BRIDGE_URL, BRIDGE_JWT_SECRET, TURN_URL, TURN_SECRET } = environment;
  if (!BRIDGE_URL || !BRIDGE_JWT_SECRET || !TURN_URL || !TURN_SECRET) return undefined;
  const expires = Math.floor(Date.now() / 1000) + VALID_SECONDS;
  const username = `${expires}:${participant}`;
  return {
    bridge: BRIDGE_URL,
    token: signToken({ meeting, participant, role: "participant", exp: expires }, BRIDGE_JWT_SECRET),
    // As coturn's `use-auth-secret` has it.
    turn: { urls: TURN_URL, username, credential: createHmac("sha1", TURN_SECRET).update(username).digest("base64") },
  };
}

/** A JSON Web Token, HS256. */
function signToken(claims, secret) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
