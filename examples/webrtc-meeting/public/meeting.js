import { monitorPeerConnections } from "./otel-bandwidth/index.js";

const here = new URLSearchParams(location.search);
const room = here.get("room") ?? "lobby";
const forced = here.has("relay");
const badge = document.querySelector("#badge");

const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
document.querySelector("#own").srcObject = stream;

let me;
let session;
let monitor;
let connection;
let telling = Promise.resolve();

const events = new EventSource(`/events?room=${encodeURIComponent(room)}`);
events.addEventListener("message", ({ data }) => {
  handle(JSON.parse(data)).catch(console.error);
});

async function handle(message) {
  if (message.kind === "joined") await joined(message);
  else if (message.kind === "left") await hangUp();
  else await signalled(message);
}

async function joined({ participant, calls }) {
  me = participant;
  session = await newSession();
  // These are the lines that measure the meeting.
  monitor ??= monitorPeerConnections({
    url: session.bridge,
    token: async () => (await newSession()).token,
    serviceName: "webrtc-meeting",
    onSample: showBadge,
  });
  if (calls) await call();
}

function newSession() {
  const query = new URLSearchParams({ room, participant: me });
  return fetch(`/session?${query}`).then((response) => response.json());
}

function connect() {
  if (forced && session.turn === undefined) badge.textContent = "no TURN server: the call is direct";
  const isForced = forced && session.turn !== undefined;
  connection = new RTCPeerConnection({
    iceServers: session.turn === undefined ? [] : [session.turn],
    iceTransportPolicy: isForced ? "relay" : "all",
  });
  monitor.add(connection);
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  connection.addEventListener("track", ({ streams }) => {
    document.querySelector("#other").srcObject = streams[0];
  });
  connection.addEventListener("icecandidate", ({ candidate }) => {
    if (candidate !== null) tell({ kind: "candidate", candidate });
  });
}

async function call() {
  connect();
  await connection.setLocalDescription();
  tell({ kind: "description", description: connection.localDescription });
}

async function signalled({ kind, candidate, description }) {
  if (kind === "candidate") {
    await connection?.addIceCandidate(candidate);
    return;
  }
  if (description.type === "offer") {
    connect();
    await connection.setRemoteDescription(description);
    await connection.setLocalDescription();
    tell({ kind: "description", description: connection.localDescription });
  } else {
    await connection.setRemoteDescription(description);
  }
}

// One after the other: a candidate must not overtake the description that it belongs to.
function tell(message) {
  const query = new URLSearchParams({ room, from: me });
  const body = JSON.stringify(message);
  telling = telling.then(() => fetch(`/signal?${query}`, { method: "POST", body })).catch(console.error);
}

async function hangUp() {
  if (connection === undefined) return;
  // In this order: a closed connection tells no more.
  await monitor.remove(connection);
  connection.close();
  connection = undefined;
  badge.dataset.level = "unknown";
  badge.textContent = "waiting for the other tab";
}

function showBadge({ quality, bitsPerSecond, roundTrip, relay }) {
  const parts = [
    quality.level === "unknown" || quality.reason === "none" ? quality.level : `${quality.level} (${quality.reason})`,
  ];
  if (bitsPerSecond.receive !== undefined) parts.push(`${Math.round(bitsPerSecond.receive / 1000)} kbit/s`);
  if (roundTrip !== undefined) showBadge.roundTrip = `${Math.round(roundTrip.seconds * 1000)} ms`;
  if (showBadge.roundTrip !== undefined) parts.push(showBadge.roundTrip);
  if (relay.relayed === true) parts.push(`relayed by ${relay.server ?? "TURN"} over ${relay.protocol ?? "?"}`);
  if (relay.relayed === false) parts.push("direct");
  badge.dataset.level = quality.level;
  badge.dataset.relayed = String(relay.relayed);
  badge.textContent = parts.join(" · ");
}
